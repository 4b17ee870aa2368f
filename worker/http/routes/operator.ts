/**
 * The operator API: `POST /api/v1`. What each call does is in the table of `core/operator/`; the
 * order of the checks is Mesos' `Master::Http::api`, where Accept always counts.
 */

import { operatorCalls } from "../../core/operator/index.ts";
import type { Applied } from "../../ports.ts";
import { answerType, contentType } from "../../protocol/negotiation.ts";
import type * as master from "../../protocol/v1/master.ts";
import type { MessageEncoding } from "../../protocol/wire/encoding.ts";
import { unreachable } from "../../std/assert.ts";
import { readForm, readMessage } from "../body.ts";
import type { EdgeContext } from "../context.ts";
import {
  badBody,
  badNegotiation,
  callNotServed,
  emptyAnswer,
  failedTurn,
  invalidMasterCall,
  messageAnswer,
  methodNotAllowed,
  refusedCall,
  tooManyReads,
} from "../respond.ts";
import { masterTypes } from "../served-types.ts";
import { tooLongToKeep, validateOperatorCall } from "../validate-operator-call.ts";
import { processCall } from "./process-calls.ts";

export async function operatorRoute(context: EdgeContext): Promise<Response> {
  const request = context.req.raw;
  if (request.method !== "POST") return methodNotAllowed(request.method, "POST");
  const type = contentType(request.headers.get("Content-Type"), masterTypes);
  if (!type.ok) return badNegotiation(type.error);
  const body = await readMessage(request, "mesos.v1.master.Call", type.value);
  if (!body.ok) return badBody(body.error);
  const { message: call } = body.value;
  const invalid = validateOperatorCall(call);
  if (invalid !== undefined) return invalidMasterCall(invalid);
  const accept = answerType(request.headers.get("Accept"), masterTypes);
  if (!accept.ok) return badNegotiation(accept.error);
  return serve(context, call, accept.value);
}

/** `POST /teardown` with the form field `frameworkId`. */
export async function teardownRoute(context: EdgeContext): Promise<Response> {
  const request = context.req.raw;
  if (request.method !== "POST") return methodNotAllowed(request.method, "POST");
  const form = await readForm(request);
  if (!form.ok) return badBody(form.error);
  const value = form.value.get("frameworkId");
  if (value === null) return invalidMasterCall({ code: "FIELD_MISSING", field: "frameworkId" });
  return change(context, { type: "TEARDOWN", teardown: { framework_id: { value } } });
}

async function serve(
  context: EdgeContext,
  call: master.Call,
  encoding: MessageEncoding,
): Promise<Response> {
  const type = call.type ?? "UNKNOWN";
  const { kind } = operatorCalls[type];
  switch (kind) {
    case "READ":
      return read(context, call, encoding);
    case "LONG_READ":
      return readLong(context, call, encoding);
    case "CHANGE":
      return change(context, call);
    case "STREAM":
      return subscribe(context, encoding);
    case "SHELL":
      return processCall(context, call, {
        read: () => read(context, call, encoding),
        readLong: () => readLong(context, call, encoding),
      });
    case "NOT_SERVED":
      return callNotServed(type);
    default:
      return unreachable(kind);
  }
}

async function read(
  context: EdgeContext,
  call: master.Call,
  encoding: MessageEncoding,
): Promise<Response> {
  const { master } = context.get("cluster");
  const response = await master.read(context.get("principal"), call);
  if (response === undefined) return callNotServed(call.type ?? "UNKNOWN");
  return messageAnswer("mesos.v1.master.Response", response, encoding);
}

async function readLong(
  context: EdgeContext,
  call: master.Call,
  encoding: MessageEncoding,
): Promise<Response> {
  const { master } = context.get("cluster");
  const response = await master.readLong(context.get("principal"), call, encoding);
  return response.status === 503 ? tooManyReads() : response;
}

async function subscribe(context: EdgeContext, encoding: MessageEncoding): Promise<Response> {
  const { master } = context.get("cluster");
  const subscribed = await master.subscribeOperator(context.get("principal"), encoding);
  if (!(subscribed instanceof Response)) return appliedAnswer(subscribed);
  return subscribed.status === 503 ? tooManyReads() : subscribed;
}

/** Carries out a call that changes something; also for the form endpoints that say the same. */
export async function change(context: EdgeContext, call: master.Call): Promise<Response> {
  const long = tooLongToKeep(call);
  if (long !== undefined) return invalidMasterCall(long);
  const { master } = context.get("cluster");
  return appliedAnswer(
    await master.apply(context.get("principal"), { type: "OPERATOR_CALL", call }),
  );
}

export function appliedAnswer(applied: Applied): Response {
  if (applied.type === "FAILED") return failedTurn();
  const { reply } = applied;
  switch (reply.type) {
    case "DONE":
      return emptyAnswer(200);
    case "ACCEPTED":
      return emptyAnswer(202);
    case "REFUSED":
      return refusedCall(reply.error);
    case "STREAMING":
    case "REGISTERED":
    case "RELAY_REPLY":
      return failedTurn();
    default:
      return unreachable(reply);
  }
}
