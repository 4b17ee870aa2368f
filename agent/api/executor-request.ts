/**
 * The executor API: `POST /api/v1/executor` (http-semantics 7), by which custom executors get their
 * tasks and tell of them. Order of the checks: 7.1. No call changes anything here: it becomes an
 * input of the core, and what follows from it comes over the executor's stream.
 */
import type { IncomingHttpHeaders } from "node:http";
import { answerType, contentType } from "../../worker/protocol/negotiation.ts";
import type * as executor from "../../worker/protocol/v1/executor.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { encodeRecord } from "../../worker/protocol/wire/record-io.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import type { Input } from "../core/input.ts";
import type { AgentState } from "../core/state.ts";
import type { ExecutorStreams } from "../shell/executor-streams.ts";
import type { ExecutorClaims, ExecutorTokens } from "../shell/executor-tokens.ts";
import { decodeCall, readBody } from "./call-body.ts";
import { foreign, hasSubscribed, malformed, speaker } from "./executor-check.ts";
import type { Answer, StreamAnswer } from "./respond.ts";
import * as respond from "./respond.ts";
import { accepted, executorRefused } from "./respond-executor.ts";

/** What the executor API works with. */
export interface ExecutorDoor {
  /** Only read here. */
  readonly state: AgentState;
  readonly streams: ExecutorStreams;
  readonly tokens: ExecutorTokens;
  /** Whoever sends no token is believed. */
  readonly isTokenOptional: boolean;
  readonly submit: (input: Input) => void;
}

export interface ExecutorRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the executor's side of the connection has gone. */
  readonly signal: AbortSignal;
}

const MESSAGE_TYPES = ["application/json", "application/x-protobuf"] as const;

export async function answerExecutor(
  door: ExecutorDoor,
  request: ExecutorRequest,
): Promise<Answer | StreamAnswer> {
  const { method, headers } = request;
  const claims = authenticate(door, headers.authorization);
  if (!claims.ok) return claims.error;
  if (method !== "POST") return respond.methodNotAllowed(method, "POST");
  const type = contentType(headers["content-type"], MESSAGE_TYPES);
  if (!type.ok) return respond.badNegotiation(type.error);
  const body = await readBody(request.body);
  if (!body.ok) return body.error;
  const call = decodeCall("mesos.v1.executor.Call", body.value, type.value);
  if (!call.ok) return call.error;
  const wrong = malformed(call.value);
  if (wrong !== undefined) return executorRefused(wrong);
  const accept = answerType(headers.accept, MESSAGE_TYPES);
  if (call.value.type === "SUBSCRIBE" && !accept.ok) return respond.badNegotiation(accept.error);
  if (call.value.type === "HEARTBEAT") return accepted;
  const who = speaker(door.state, call.value);
  if ("code" in who) return executorRefused(who);
  const { containerId } = who;
  if (claims.value !== undefined && !isOf(claims.value, call.value, containerId)) {
    const executorId = call.value.executor_id.value;
    return executorRefused({ code: "TOKEN_OF_OTHERS", executorId });
  }
  const encoding = accept.ok ? accept.value : "application/json";
  return answerCall(door, call.value, { containerId, encoding, signal: request.signal });
}

/** Of whoever has no token and needs none the claims are undefined. */
function authenticate(
  { tokens, isTokenOptional }: ExecutorDoor,
  authorization: string | undefined,
): Result<ExecutorClaims | undefined, Answer> {
  const token = /^Bearer ([^ ]+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    return isTokenOptional ? ok(undefined) : err(executorRefused({ code: "TOKEN_MISSING" }));
  }
  const claims = tokens.read(token);
  return claims === undefined ? err(executorRefused({ code: "TOKEN_INVALID" })) : ok(claims);
}

function isOf(
  claims: ExecutorClaims,
  { framework_id, executor_id }: executor.Call,
  containerId: ContainerId,
): boolean {
  const { frameworkId, executorId } = claims;
  const isNamed = frameworkId === framework_id.value && executorId === executor_id.value;
  return isNamed && claims.containerId === containerId;
}

interface Caller {
  readonly containerId: ContainerId;
  readonly encoding: MessageEncoding;
  readonly signal: AbortSignal;
}

function answerCall(
  door: ExecutorDoor,
  call: executor.Call,
  caller: Caller,
): Answer | StreamAnswer {
  const { state, submit } = door;
  const { containerId } = caller;
  if (call.subscribe !== undefined && call.type === "SUBSCRIBE") {
    return subscribe(door, call.subscribe, caller);
  }
  if (!hasSubscribed(state, containerId)) {
    const executorId = call.executor_id.value;
    return executorRefused({ code: "NOT_SUBSCRIBED", executorId });
  }
  if (call.type === "UPDATE" && call.update !== undefined) {
    const { status } = call.update;
    const refusal = foreign(state, containerId, call, status);
    if (refusal !== undefined) return executorRefused(refusal);
    submit({ type: "EXECUTOR_UPDATE", containerId, status });
  } else if (call.type === "MESSAGE" && call.message !== undefined) {
    submit({ type: "EXECUTOR_MESSAGE", containerId, data: call.message.data });
  }
  return accepted;
}

function subscribe(
  { streams, submit }: ExecutorDoor,
  { unacknowledged_tasks, unacknowledged_updates }: executor.CallSubscribe,
  { containerId, encoding, signal }: Caller,
): StreamAnswer {
  const stream = streams.open(
    (event) => encodeRecord(encodeEvent(event, encoding)),
    () => submit({ type: "EXECUTOR_DISCONNECTED", containerId, connection }),
  );
  const { connection } = stream;
  submit({
    type: "EXECUTOR_SUBSCRIBED",
    ...{ containerId, connection },
    taskIds: (unacknowledged_tasks ?? []).map(({ task_id }) => task_id.value),
    updates: (unacknowledged_updates ?? []).map(({ status }) => status),
  });
  const close = (): void => streams.close(connection);
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  return {
    status: 200,
    headers: { "Content-Type": encoding },
    pieces: (gone) => stream.records(gone),
  };
}

function encodeEvent(event: executor.Event, encoding: MessageEncoding): Uint8Array {
  const name = "mesos.v1.executor.Event";
  return encoding === "application/json"
    ? Buffer.from(encodeJson(name, event))
    : encodeProtobuf(name, event);
}
