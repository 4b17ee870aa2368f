/**
 * Everything that can reach a relay. A `requestId` is the shell's number of a request that it holds
 * until an effect answers it; a `callId` is the unique name of an operator's call to an agent.
 */
import type { RelayBatchAnswer, TurnMessage } from "../core/relay/exchange.ts";
import type { RelayedCall } from "../ports.ts";
import type { AgentId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";

export type RelayInput =
  /** The first input of a life: the relay's memory is empty. */
  | { readonly type: "STARTED" }
  | { readonly type: "POLL"; readonly requestId: number; readonly request: link.PollRequest }
  | {
      readonly type: "REPORT";
      readonly requestId: number;
      readonly report: link.ReportRequest;
      /** Length of the report as it came: bounds the batch that it travels in. */
      readonly bytes: number;
    }
  /** An operator wants something of an agent's own API. */
  | {
      readonly type: "CALL";
      readonly callId: string;
      readonly agentId: AgentId;
      readonly call: RelayedCall;
    }
  | { readonly type: "CALL_REPLY"; readonly requestId: number; readonly reply: link.CallReply }
  /**
   * The agent is at work on a call, and asks for the piece of its body with this number: for the
   * next one, or, when the answer was lost, for the same again.
   */
  | {
      readonly type: "CALL_INPUT";
      readonly requestId: number;
      readonly request: link.CallInputRequest;
    }
  /** The operator has gone away. */
  | { readonly type: "CALL_ABANDONED"; readonly callId: string }
  | {
      readonly type: "FROM_MASTER";
      readonly life: string;
      readonly messages: readonly TurnMessage[];
    }
  | {
      readonly type: "MASTER_ANSWERED";
      readonly batch: number;
      readonly answer: RelayBatchAnswer;
    }
  | { readonly type: "MASTER_FAILED"; readonly batch: number; readonly cause: BatchFailure }
  /** Something may be due; too early does nothing. */
  | { readonly type: "TIMER" };

export type BatchFailure =
  /** The batch may or may not have reached the master. */
  | "UNREACHED"
  /** The same, and the master has more to do than it can. */
  | "OVERLOADED"
  /** One of the messages meets a bug in the master; nothing of the batch was done. */
  | "TURN_FAILED";
