/**
 * Things to do outside, in this order, after the turn's rows are durable.
 * Each says why losing it (a crash between the transaction and the effect) is harmless.
 */
import type { AgentId, RelayId, SessionId, StreamId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";
import type * as master from "../protocol/v1/master.ts";
import type * as scheduler from "../protocol/v1/scheduler.ts";
import type { CallError } from "./call-error.ts";

export type Effect =
  /**
   * The answer to the caller of this turn. Lost: the caller sees a broken connection and repeats
   * the call.
   */
  | { readonly type: "REPLY"; readonly reply: Reply }
  /**
   * Lost: the stream is lost with it, and at the next SUBSCRIBE offers are made afresh, agents send
   * unacknowledged updates again, and the framework may reconcile. HEARTBEAT is lossy by contract.
   */
  | { readonly type: "SEND_EVENT"; readonly streamId: StreamId; readonly event: scheduler.Event }
  /**
   * The first event of an operator's stream, with the whole state as it is after this turn; what
   * happens later comes behind it. Lost: with its stream, whose reader subscribes again.
   */
  | { readonly type: "SEND_SNAPSHOT"; readonly streamId: StreamId }
  /**
   * To every open stream of operator events. Lost: with the streams; the next snapshot has what it
   * said.
   */
  | { readonly type: "PUBLISH"; readonly event: master.Event }
  /** To one stream of operator events: HEARTBEAT, which is lossy by contract. */
  | {
      readonly type: "SEND_OPERATOR_EVENT";
      readonly streamId: StreamId;
      readonly event: master.Event;
    }
  /** Ends the stream after everything sent so far. Lost: the stream is lost anyway. */
  | { readonly type: "CLOSE_STREAM"; readonly streamId: StreamId }
  /**
   * Lost: numbered commands are rows until acknowledged and are sent again after a restart of
   * either side; those without a number (ACKNOWLEDGE, RESUME_UPDATES, FRAMEWORK_MESSAGE) are asked
   * for again by the agent's own retry, or best effort by contract.
   */
  | {
      readonly type: "SEND_COMMANDS";
      readonly relayId: RelayId;
      readonly agentId: AgentId;
      readonly sessionId: SessionId;
      readonly commands: readonly link.Command[];
    }
  /**
   * Tells the relay of an agent to expect. Lost: the relay asks WHO_IS at the agent's first poll.
   */
  | { readonly type: "ADD_TO_RELAY"; readonly relayId: RelayId; readonly agent: RosterEntry }
  /**
   * The agent (or this session of it) is no longer the relay's. Lost: its next message is refused.
   */
  | {
      readonly type: "REMOVE_FROM_RELAY";
      readonly relayId: RelayId;
      readonly agentId: AgentId;
      readonly sessionId: SessionId;
    }
  /**
   * The relay was silent for too long: wake it so that it counts. Lost: the watch's row fires
   * again.
   */
  | { readonly type: "WAKE_RELAY"; readonly relayId: RelayId };

/**
 * An agent as its relay must know it: its live session and the commands it has not acknowledged.
 */
export interface RosterEntry {
  readonly agentId: AgentId;
  readonly sessionId: SessionId;
  readonly commands: readonly link.Command[];
}

export type Reply =
  /** 202 with an empty body. */
  | { readonly type: "ACCEPTED" }
  /**
   * SUBSCRIBE was taken: 200, and the stream's events follow (also when the first one is an ERROR).
   */
  | { readonly type: "STREAMING"; readonly streamId: StreamId }
  | { readonly type: "REFUSED"; readonly error: CallError }
  | { readonly type: "REGISTERED"; readonly agentId: AgentId; readonly relayId: RelayId }
  | { readonly type: "RELAY_REPLY"; readonly replies: readonly RelayReply[] }
  /** 200 with an empty body: carried out. */
  | { readonly type: "DONE" };

/** Answers to the messages of one batch; messages that need no answer have none here. */
export type RelayReply =
  /** To STARTED: all of the relay's agents. */
  | { readonly type: "ROSTER"; readonly agents: readonly RosterEntry[] }
  /** To WHO_IS: the session is the agent's live one. */
  | { readonly type: "KNOWN"; readonly agent: RosterEntry }
  /** To WHO_IS, ACKNOWLEDGED or REPORT: not the agent's live session; it has to register again. */
  | { readonly type: "REGISTER_AGAIN"; readonly agentId: AgentId; readonly sessionId: SessionId };
