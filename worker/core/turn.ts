/**
 * One turn: the state, the stamp, and the effects gathered so far. Handlers get it as their first
 * argument, change rows through `turn.state.tables` and push effects; they return nothing the
 * caller could forget.
 */

import type * as link from "../protocol/link/messages.ts";
import type * as scheduler from "../protocol/v1/scheduler.ts";
import type { Prng } from "../std/prng.ts";
import type { Effect, Reply } from "./effect.ts";
import type { Principal } from "./input.ts";
import type { AgentRow, FrameworkRow } from "./rows.ts";
import type { MasterState } from "./state.ts";

export interface Turn {
  readonly state: MasterState;
  readonly nowMs: number;
  readonly random: Prng;
  readonly principal: Principal;
  readonly effects: Effect[];
}

export function reply(turn: Turn, answer: Reply): void {
  turn.effects.push({ type: "REPLY", reply: answer });
}

/**
 * To a framework that is not connected nothing is sent: rows say what it is told when it returns.
 */
export function sendEvent(turn: Turn, framework: FrameworkRow, event: scheduler.Event): void {
  if (framework.connection.state !== "CONNECTED") return;
  turn.effects.push({ type: "SEND_EVENT", streamId: framework.connection.streamId, event });
}

/** To an agent that is not connected nothing is sent: its numbered commands wait as rows. */
export function sendCommands(turn: Turn, agent: AgentRow, commands: link.Command[]): void {
  if (agent.connection.state !== "CONNECTED" || commands.length === 0) return;
  const { relayId, id, sessionId } = agent;
  turn.effects.push({ type: "SEND_COMMANDS", relayId, agentId: id, sessionId, commands });
}

/** Seconds since 1970, as Mesos' timestamps are. */
export function timestamp(turn: Turn): number {
  return turn.nowMs / 1_000;
}
