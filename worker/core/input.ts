/**
 * Everything that can reach the master. One Input is one turn: one `step`, one transaction, one
 * answer. (Not "event": in Mesos an Event is what the master sends to a scheduler.)
 */
import type { AgentId, RelayId, SessionId, StreamId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";
import type * as own from "../protocol/own/operator.ts";
import type * as master from "../protocol/v1/master.ts";
import type * as scheduler from "../protocol/v1/scheduler.ts";

/** Who is calling. `value` is absent while no credentials are configured. */
export interface Principal {
  readonly value?: string;
}

export type Input =
  /** SUBSCRIBE: the shell has opened a stream and given it this id. */
  | { readonly type: "SUBSCRIBE"; readonly streamId: StreamId; readonly call: scheduler.Call }
  /** Every other scheduler call; `streamId` is the header's value as it came. */
  | { readonly type: "SCHEDULER_CALL"; readonly streamId?: StreamId; readonly call: scheduler.Call }
  /** A stream ended from outside: its client closed it, or it was cut for reading too slowly. */
  | {
      readonly type: "STREAM_CLOSED";
      readonly streamId: StreamId;
      readonly cause: "CLIENT_CLOSED" | "READ_TOO_SLOWLY";
    }
  /** A call of the operator API that changes something; see `operator/index.ts`. */
  | { readonly type: "OPERATOR_CALL"; readonly call: master.Call }
  /** One of Rimrock's own calls that changes something; see `operator/own/index.ts`. */
  | { readonly type: "OWN_CALL"; readonly call: own.Call }
  /** SUBSCRIBE of the operator API: the shell has opened a stream and given it this id. */
  | { readonly type: "OPERATOR_SUBSCRIBE"; readonly streamId: StreamId }
  | { readonly type: "AGENT_REGISTER"; readonly request: link.RegisterRequest }
  /** What one relay gathered since its last batch, in the order of arrival. */
  | {
      readonly type: "RELAY_BATCH";
      readonly relayId: RelayId;
      readonly messages: readonly RelayMessage[];
    }
  /**
   * The object has just loaded its rows: every stream and every volatile row of its last life is
   * gone.
   */
  | { readonly type: "RESTARTED" }
  /** A row's due time has come (or may have come: a wake-up too early does nothing). */
  | { readonly type: "TIMER_DUE" };

export type RelayMessage =
  /** The relay has (re)started with an empty memory and wants its list of agents. */
  | { readonly type: "STARTED" }
  /** A poll came from an agent that the relay does not know in this session. */
  | { readonly type: "WHO_IS"; readonly agentId: AgentId; readonly sessionId: SessionId }
  /** The agent has all commands up to this number safely on disk. */
  | {
      readonly type: "ACKNOWLEDGED";
      readonly agentId: AgentId;
      readonly sessionId: SessionId;
      readonly commandNumber: number;
    }
  | { readonly type: "REPORT"; readonly report: link.ReportRequest }
  /** No sign of life for 75 s. */
  | { readonly type: "SILENT"; readonly agentId: AgentId; readonly sessionId: SessionId }
  /** The relay has nothing to say but is there: keeps the master from waking it. */
  | { readonly type: "ALIVE" };

export interface StampedInput {
  /** Number of this turn in this object's life; for logs and reproductions. */
  readonly turn: number;
  /** Wall clock, ms since 1970. Never runs backwards within one life. */
  readonly nowMs: number;
  /** Seeds this turn's randomness. 32 bits. */
  readonly seed: number;
  readonly principal: Principal;
  readonly input: Input;
}
