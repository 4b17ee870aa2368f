/**
 * What a relay does outside, in this order. Losing one is harmless: the agent polls and reports
 * again, the master keeps unacknowledged commands as rows, and an operator repeats a call.
 */
import type { RelayMessage } from "../core/input.ts";
import type * as link from "../protocol/link/messages.ts";

export type RelayEffect =
  | {
      readonly type: "ANSWER_POLL";
      readonly requestId: number;
      readonly commands: readonly link.Command[];
    }
  /** What was reported is durable. */
  | { readonly type: "ANSWER_REPORT"; readonly requestId: number }
  /** The piece was taken; answered when the operator has room for more. */
  | { readonly type: "ANSWER_CALL_REPLY"; readonly requestId: number; readonly callId: string }
  /**
   * Answers with that piece of the body that the operator sends, as soon as it is there. Replaces
   * the request of that call before.
   */
  | {
      readonly type: "TAKE_FROM_CALLER";
      readonly requestId: number;
      readonly callId: string;
      readonly sequence: number;
    }
  /** Answers that there is nothing yet. */
  | { readonly type: "ANSWER_CALL_INPUT"; readonly requestId: number }
  | { readonly type: "REFUSE"; readonly requestId: number; readonly code: RefusalCode }
  /** `batch` comes back with the answer. The same batch is sent again until it is answered. */
  | {
      readonly type: "SEND_TO_MASTER";
      readonly batch: number;
      readonly messages: readonly RelayMessage[];
    }
  | {
      readonly type: "SEND_TO_CALLER";
      readonly callId: string;
      /** With the first piece only. */
      readonly head?: CallHead;
      readonly data: Uint8Array;
      readonly last: boolean;
    }
  | { readonly type: "FAIL_CALL"; readonly callId: string; readonly reason: CallFailure }
  /** Replaces the timer set before; undefined: nothing is due any more. */
  | { readonly type: "SET_TIMER"; readonly atMs: number | undefined };

export type RefusalCode =
  /** Not the agent's live session: it has to register again. */
  | "REGISTER_AGAIN"
  /** The master did not answer in time, or a piece came out of order. */
  | "TRY_AGAIN"
  /** Nobody waits for this answer (any more). */
  | "CALL_UNKNOWN";

export interface CallHead {
  readonly status: number;
  readonly contentType: string;
  /** Of an answer in application/recordio: the type of its messages. */
  readonly messageContentType: string | undefined;
}

export type CallFailure = "AGENT_NOT_CONNECTED" | "AGENT_LOST" | "TIMED_OUT" | "TOO_MANY_CALLS";
