/**
 * The operator API: `POST /api/v1`, and the form endpoint `/teardown`. Reads are answered by the
 * table in `core/operator/`; the order of the checks is Mesos' `Master::Http::api`, where Accept
 * always counts.
 */

import type { Applied } from "../../ports.ts";
import type { FrameworkId } from "../../protocol/ids.ts";
import type * as master from "../../protocol/v1/master.ts";
import type { MessageEncoding } from "../../protocol/wire/encoding.ts";
import { unreachable } from "../../std/assert.ts";
import { readForm, readMessage } from "../body.ts";
import type { EdgeContext } from "../context.ts";
import { answerType, contentType } from "../negotiation.ts";
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
} from "../respond.ts";
import { masterTypes } from "../served-types.ts";

export async function operatorRoute(context: EdgeContext): Promise<Response> {
  const request = context.req.raw;
  if (request.method !== "POST") return methodNotAllowed(request.method, "POST");
  const type = contentType(request.headers.get("Content-Type"), masterTypes);
  if (!type.ok) return badNegotiation(type.error);
  const body = await readMessage(request, "mesos.v1.master.Call", type.value);
  if (!body.ok) return badBody(body.error);
  const { message: call } = body.value;
  if (call.type === undefined) return invalidMasterCall({ code: "FIELD_MISSING", field: "type" });
  if (call.type === "TEARDOWN" && call.teardown === undefined) {
    return invalidMasterCall({ code: "FIELD_MISSING", field: "teardown" });
  }
  const accept = answerType(request.headers.get("Accept"), masterTypes);
  if (!accept.ok) return badNegotiation(accept.error);
  if (call.teardown !== undefined && call.type === "TEARDOWN") {
    return teardown(context, call.teardown.framework_id.value);
  }
  return read(context, call.type, accept.value);
}

/** `POST /teardown` with the form field `frameworkId`. */
export async function teardownRoute(context: EdgeContext): Promise<Response> {
  const request = context.req.raw;
  if (request.method !== "POST") return methodNotAllowed(request.method, "POST");
  const form = await readForm(request);
  if (!form.ok) return badBody(form.error);
  const frameworkId = form.value.get("frameworkId");
  if (frameworkId === null) {
    return invalidMasterCall({ code: "FIELD_MISSING", field: "frameworkId" });
  }
  return teardown(context, frameworkId);
}

async function read(
  context: EdgeContext,
  type: master.CallType,
  encoding: MessageEncoding,
): Promise<Response> {
  const { master } = context.get("cluster");
  const response = await master.read(context.get("principal"), type);
  if (response === undefined) return callNotServed(type);
  return messageAnswer("mesos.v1.master.Response", response, encoding);
}

async function teardown(context: EdgeContext, id: string): Promise<Response> {
  const { master } = context.get("cluster");
  // An id as the client wrote it; the master finds a framework by it, or none.
  const frameworkId = id as FrameworkId;
  return answer(await master.apply(context.get("principal"), { type: "TEARDOWN", frameworkId }));
}

function answer(applied: Applied): Response {
  if (applied.type === "FAILED") return failedTurn();
  const { reply } = applied;
  switch (reply.type) {
    case "DONE":
      return emptyAnswer(200);
    case "REFUSED":
      return refusedCall(reply.error);
    case "ACCEPTED":
    case "STREAMING":
    case "REGISTERED":
    case "RELAY_REPLY":
      return failedTurn();
    default:
      return unreachable(reply);
  }
}
