/**
 * A relay's memory. It holds no truth: all of it is told again by the master (who belongs here,
 * which commands wait) and by the agents (that they are alive).
 */
import type { RelayEffect as FromMaster, TurnMessage } from "../core/relay/exchange.ts";
import { agentSilenceMs, defaultSettings, type MasterSettings } from "../core/settings.ts";
import { POLL_HOLD_MS, type RelayedCall } from "../ports.ts";
import type { AgentId, SessionId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";
import { TimerQueue } from "../std/timer-queue.ts";
import type { RelayEffect } from "./effect.ts";
import { createMasterQueue, type MasterQueue } from "./master-queue.ts";

export type { FromMaster };

/** A poll that is held until there are commands, a newer poll, or its time is up. */
export interface HeldPoll {
  readonly requestId: number;
  readonly request: link.PollRequest;
}

/** An agent in its live session. */
export interface RelayedAgent {
  readonly agentId: AgentId;
  readonly sessionId: SessionId;
  /** The master's turn that put it here: tells whether an answer that does not name it is older. */
  knownSinceTurn: number;
  /** All commands up to this number are safe with the agent. */
  acknowledged: bigint;
  /** Not acknowledged, by rising number. */
  numbered: link.Command[];
  /** Sent once. */
  volatile: link.Command[];
  poll: HeldPoll | undefined;
}

/** An operator's call that waits for (more of) its answer. */
export interface ParkedCall {
  readonly agentId: AgentId;
  /** Set until the command is handed to the agent's session. */
  call: RelayedCall | undefined;
  /** The agent's request for a piece of its body, while it is held. */
  inputRequestId: number | undefined;
  /** Undefined before the first piece. */
  nextSequence: number | undefined;
}

/** What a deployment decides about its relays. */
export interface RelaySettings {
  /** An agent of which nothing is heard for so long is reported silent. */
  readonly silenceMs: number;
  /** How long a poll is held: an agent has to poll often enough not to seem silent. */
  readonly pollHoldMs: number;
}

export function relaySettings(settings: Pick<MasterSettings, "agentPing">): RelaySettings {
  const silenceMs = agentSilenceMs(settings);
  return { silenceMs, pollHoldMs: Math.min(POLL_HOLD_MS, Math.floor(silenceMs / 3)) };
}

export interface RelayState {
  readonly settings: RelaySettings;
  readonly agents: Map<AgentId, RelayedAgent>;
  /** Polls of sessions that the master is asked about, by `sessionKey`. */
  readonly strangers: Map<string, HeldPoll>;
  readonly calls: Map<string, ParkedCall>;
  /** Requests of the reports that wait for the master's word. */
  readonly reports: Set<number>;
  readonly queue: MasterQueue;
  readonly timers: TimerQueue<string>;
  /** The life of the master that was last heard of. */
  life: string | undefined;
  /** The master has been asked for the roster and has not answered. */
  rosterAsked: boolean;
  /**
   * What the master said while a question to it was open, and which its answer may not know of yet.
   */
  early: TurnMessage[];
  timerSetMs: number | undefined;
}

export interface RelayTurn {
  readonly state: RelayState;
  readonly nowMs: number;
  readonly effects: RelayEffect[];
}

export function createRelay(settings = relaySettings(defaultSettings)): RelayState {
  return {
    settings,
    agents: new Map(),
    strangers: new Map(),
    calls: new Map(),
    reports: new Set(),
    queue: createMasterQueue(),
    timers: new TimerQueue(),
    life: undefined,
    rosterAsked: false,
    early: [],
    timerSetMs: undefined,
  };
}

export function sessionKey(agentId: string, sessionId: string): string {
  return `${agentId}/${sessionId}`;
}
