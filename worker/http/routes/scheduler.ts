/**
 * `POST /api/v1/scheduler`. The order of the checks is part of the API: Mesos
 * `Master::Http::scheduler`. Everything that needs the master's state is checked by the master,
 * after this.
 */

import type { Applied } from "../../ports.ts";
import type { StreamId } from "../../protocol/ids.ts";
import { answerType, contentType } from "../../protocol/negotiation.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { unreachable } from "../../std/assert.ts";
import { readMessage } from "../body.ts";
import type { EdgeContext } from "../context.ts";
import {
  badBody,
  badNegotiation,
  emptyAnswer,
  failedTurn,
  invalidSchedulerCall,
  methodNotAllowed,
  refusedCall,
  streamIdOnSubscribe,
} from "../respond.ts";
import { masterTypes } from "../served-types.ts";
import { validateSchedulerCall } from "../validate-scheduler-call.ts";

export async function schedulerRoute(context: EdgeContext): Promise<Response> {
  const request = context.req.raw;
  if (request.method !== "POST") return methodNotAllowed(request.method, "POST");
  const type = contentType(request.headers.get("Content-Type"), masterTypes);
  if (!type.ok) return badNegotiation(type.error);
  const body = await readMessage(request, "mesos.v1.scheduler.Call", type.value);
  if (!body.ok) return badBody(body.error);
  const { message: call, jsonLengthMost } = body.value;
  const principal = context.get("principal");
  const invalid = validateSchedulerCall(call, { principal, jsonLengthMost });
  if (invalid !== undefined) return invalidSchedulerCall(invalid);
  const accept = answerType(request.headers.get("Accept"), masterTypes);
  const isAnswered = call.type === "SUBSCRIBE" || call.type === "RECONCILE_OPERATIONS";
  if (isAnswered && !accept.ok) return badNegotiation(accept.error);
  const streamId = request.headers.get("Mesos-Stream-Id") ?? undefined;
  const { master } = context.get("cluster");
  if (call.type === "SUBSCRIBE" && accept.ok) {
    if (streamId !== undefined) return streamIdOnSubscribe();
    const subscribed = await master.subscribe(principal, call, accept.value);
    return subscribed instanceof Response ? subscribed : answer(subscribed);
  }
  return answer(await master.apply(principal, schedulerCall(call, streamId)));
}

function schedulerCall(call: scheduler.Call, streamId: string | undefined) {
  // The header is whatever the client sent; the master compares it with the live stream's.
  return { type: "SCHEDULER_CALL", streamId: streamId as StreamId | undefined, call } as const;
}

function answer(applied: Applied): Response {
  if (applied.type === "FAILED") return failedTurn();
  const { reply } = applied;
  switch (reply.type) {
    case "ACCEPTED":
      return emptyAnswer(202);
    case "REFUSED":
      return refusedCall(reply.error);
    case "DONE":
      return emptyAnswer(200);
    case "STREAMING":
    case "REGISTERED":
    case "RELAY_REPLY":
      return failedTurn();
    default:
      return unreachable(reply);
  }
}
