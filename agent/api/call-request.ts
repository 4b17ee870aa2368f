/**
 * One call as it arrives, over HTTP or through the link: from headers and a body to an answer. The
 * order of the checks is Mesos': http-semantics 9.1 and 8.1.
 */
import { answerType, contentType } from "../../worker/protocol/negotiation.ts";
import type * as agent from "../../worker/protocol/v1/agent.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { LinkedRequest } from "../shell/linked-call.ts";
import type { Log } from "../shell/log.ts";
import { attachInput } from "./attach-input.ts";
import { decodeCall, readBody } from "./call-body.ts";
import { type Exchange, STREAMED_CALLS } from "./call-handler.ts";
import { answerCall } from "./calls.ts";
import type { Answer, StreamAnswer } from "./respond.ts";
import * as respond from "./respond.ts";
import type { AgentView } from "./view.ts";

export interface CallHeaders {
  readonly contentType: string | undefined;
  readonly messageContentType: string | undefined;
  readonly accept: string | undefined;
  readonly messageAccept: string | undefined;
}

export interface CallRequest {
  readonly headers: CallHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

export const MESSAGE_TYPES = ["application/json", "application/x-protobuf"] as const;
const ANSWER_TYPES = [...MESSAGE_TYPES, "application/recordio"] as const;

export async function answerCallRequest(
  view: AgentView,
  { headers, body, signal }: CallRequest,
): Promise<Answer | StreamAnswer> {
  if (headers.contentType === "application/recordio") {
    const inner = contentType(headers.messageContentType, MESSAGE_TYPES);
    if (!inner.ok) return respond.badMessageType(inner.error);
    return await attachInput(view, body, inner.value);
  }
  const type = contentType(headers.contentType, MESSAGE_TYPES);
  if (!type.ok) return respond.badNegotiation(type.error);
  if (headers.messageContentType !== undefined) return respond.messageTypeWithoutRecords();
  const bytes = await readBody(body);
  if (!bytes.ok) return bytes.error;
  const call = decodeCall("mesos.v1.agent.Call", bytes.value, type.value);
  return call.ok ? await answerDecodedCall(view, call.value, { headers, signal }) : call.error;
}

/** What came through the link: the edge has decoded the call, unless its body is a stream. */
export async function answerLinkedCall(
  view: AgentView,
  request: LinkedRequest,
  log: Log,
): Promise<Answer | StreamAnswer> {
  try {
    return await answerLinked(view, request);
  } catch (cause) {
    // A caller that has gone in the middle of it is no failure.
    if (!request.signal.aborted) {
      log(`the API failed at ${request.call.call.type} through the link: ${cause}`);
    }
    return respond.failed();
  }
}

async function answerLinked(
  view: AgentView,
  { call: { call, accept, message_accept, records }, body, signal }: LinkedRequest,
): Promise<Answer | StreamAnswer> {
  const ofAnswer = { accept, messageAccept: message_accept };
  if (records === undefined) {
    const headers = { contentType: undefined, messageContentType: undefined, ...ofAnswer };
    return await answerDecodedCall(view, call, { headers, signal });
  }
  const ofBody = { contentType: "application/recordio", messageContentType: records || undefined };
  return await answerCallRequest(view, { headers: { ...ofBody, ...ofAnswer }, body, signal });
}

async function answerDecodedCall(
  view: AgentView,
  call: agent.Call,
  { headers, signal }: Pick<CallRequest, "headers" | "signal">,
): Promise<Answer | StreamAnswer> {
  if (call.type === undefined) return respond.fieldMissing("type");
  if (call.type === "ATTACH_CONTAINER_INPUT") return respond.inputWithoutRecords();
  const negotiated = negotiate(call.type, headers);
  if (!negotiated.ok) return negotiated.error;
  return await answerCall(call, view, { ...negotiated.value, signal });
}

function negotiate(
  call: agent.CallType,
  { accept, messageAccept }: CallHeaders,
): Result<Pick<Exchange, "encoding" | "asRecords">, Answer> {
  const type = answerType(accept, ANSWER_TYPES);
  if (!type.ok) return err(respond.badNegotiation(type.error));
  if (type.value !== "application/recordio") {
    if (messageAccept !== undefined) return err(respond.messageAcceptWithoutRecords());
    return ok({ encoding: type.value, asRecords: false });
  }
  if (!STREAMED_CALLS.includes(call)) return err(respond.recordsForPlainAnswer(call));
  const inner = answerType(messageAccept, MESSAGE_TYPES);
  if (!inner.ok) return err(respond.badMessageAccept(inner.error));
  return ok({ encoding: inner.value, asRecords: true });
}
