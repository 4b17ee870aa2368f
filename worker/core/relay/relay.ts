/**
 * The master's side of its relays: who serves whom, what they report, and whether they are there.
 */

import type { RelayId } from "../../protocol/ids.ts";
import { unreachable } from "../../std/assert.ts";
import { acknowledgeCommands, pendingCommands } from "../agent/commands.ts";
import { executorExited } from "../agent/executors.ts";
import { agentSilent } from "../agent/unreachable.ts";
import { RELAY_SILENCE_MS } from "../constants.ts";
import type { RelayReply, RosterEntry } from "../effect.ts";
import { messageFromExecutor } from "../framework/message.ts";
import type { RelayMessage } from "../input.ts";
import type { AgentRow, RelayWatchRow } from "../rows.ts";
import { updatesReported } from "../task/update.ts";
import { reply, type Turn } from "../turn.ts";
import { watch } from "./assign.ts";

/** What a relay gathered. Messages of sessions that are over are answered, not obeyed. */
export function relayBatch(turn: Turn, relayId: RelayId, messages: readonly RelayMessage[]): void {
  if (turn.state.tables.relay.has(relayId)) watch(turn, relayId);
  const replies: RelayReply[] = [];
  for (const message of messages) {
    const answer = relayMessage(turn, relayId, message);
    if (answer !== undefined) replies.push(answer);
  }
  reply(turn, { type: "RELAY_REPLY", replies });
}

function relayMessage(turn: Turn, relayId: RelayId, message: RelayMessage): RelayReply | undefined {
  switch (message.type) {
    case "STARTED":
      return { type: "ROSTER", agents: roster(turn, relayId) };
    case "ALIVE":
      return undefined;
    case "WHO_IS":
    case "ACKNOWLEDGED":
    case "SILENT":
    case "REPORT":
      return agentMessage(turn, message);
    default:
      return unreachable(message);
  }
}

type AgentMessage = Exclude<RelayMessage, { type: "STARTED" | "ALIVE" }>;

function agentMessage(turn: Turn, message: AgentMessage): RelayReply | undefined {
  const named = message.type === "REPORT" ? fromReport(message.report) : message;
  const { agentId, sessionId } = named;
  const agent = turn.state.tables.agent.get(agentId);
  if (agent?.sessionId !== sessionId || agent.connection.state !== "CONNECTED") {
    if (message.type === "SILENT") return undefined;
    return { type: "REGISTER_AGAIN", agentId, sessionId };
  }
  switch (message.type) {
    case "WHO_IS":
      return { type: "KNOWN", agent: entry(turn, agent) };
    case "ACKNOWLEDGED":
      acknowledgeCommands(turn, agent, message.commandNumber);
      return undefined;
    case "SILENT":
      agentSilent(turn, agent, message.sessionId);
      return undefined;
    case "REPORT":
      updatesReported(turn, agent, message.report.updates ?? []);
      for (const sent of message.report.executor_messages ?? []) {
        messageFromExecutor(turn, agent, sent);
      }
      // After the updates: an executor outlives its tasks.
      for (const exit of message.report.executor_exits ?? []) executorExited(turn, agent, exit);
      return undefined;
    default:
      return unreachable(message);
  }
}

function fromReport(
  report: (RelayMessage & { type: "REPORT" })["report"],
): Pick<AgentRow, "sessionId"> & { agentId: AgentRow["id"] } {
  return {
    agentId: report.agent_id.value as AgentRow["id"],
    sessionId: report.session_id as AgentRow["sessionId"],
  };
}

function roster(turn: Turn, relayId: RelayId): RosterEntry[] {
  return turn.state.index
    .agentsOfRelay(relayId)
    .filter((agent) => agent.connection.state === "CONNECTED")
    .map((agent) => entry(turn, agent));
}

function entry(turn: Turn, agent: AgentRow): RosterEntry {
  const commands = pendingCommands(turn.state, agent.id);
  return { agentId: agent.id, sessionId: agent.sessionId, commands };
}

/** A relay that has agents must be heard of: only it counts their signs of life. */
export function relaySilent(turn: Turn, row: RelayWatchRow): void {
  const { relayId } = row;
  turn.state.tables.relayWatch.put({ ...row, dueMs: turn.nowMs + RELAY_SILENCE_MS });
  if (turn.state.index.count("agentsOfRelay", relayId) === 0) return;
  turn.effects.push({ type: "WAKE_RELAY", relayId });
}

/**
 * After a restart the relays are told of all their agents and of what waits for them: effects of
 * the last turn may have been lost, and a relay that was not restarted itself does not ask.
 */
export function introduceAgents(turn: Turn): void {
  for (const agent of turn.state.tables.agent.values()) {
    if (agent.connection.state !== "CONNECTED") continue;
    const { relayId } = agent;
    turn.effects.push({ type: "ADD_TO_RELAY", relayId, agent: entry(turn, agent) });
  }
}

/** After a restart every relay's silence counts afresh. */
export function watchAllRelays(turn: Turn): void {
  for (const relay of turn.state.tables.relay.values()) watch(turn, relay.id);
}
