/** The shape of one call of the agent's operator API. */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import type { Answer, StreamAnswer } from "./respond.ts";
import type { AgentView } from "./view.ts";

/** How the answer goes to the client. */
export interface Exchange {
  readonly encoding: MessageEncoding;
  /** The client asked for application/recordio by name. */
  readonly asRecords: boolean;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

export type Handled = agent.Response | Answer | StreamAnswer;

/** A call that needs a part of its own, and has it or not. */
export type CallHandler = (
  call: agent.Call,
  view: AgentView,
  exchange: Exchange,
) => Promise<Handled> | Handled;

/** The calls whose answers are streams: the only ones that are told as records. */
export const STREAMED_CALLS: readonly agent.CallType[] = [
  "ATTACH_CONTAINER_OUTPUT",
  "LAUNCH_NESTED_CONTAINER_SESSION",
];
