/** Scheduler calls but SUBSCRIBE: who may call, then which call (http-semantics 3.1, steps 10 to 14). */

import type { StreamId } from "../../protocol/ids.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import type { CallError } from "../call-error.ts";
import { answerInverseOffers } from "../maintenance/inverse-offer.ts";
import { accept } from "../offer/accept.ts";
import { revive, suppress } from "../offer/appetite.ts";
import { decline } from "../offer/decline.ts";
import { acknowledgeOperation } from "../operation/feedback.ts";
import { reconcileOperations } from "../operation/reconcile.ts";
import type { FrameworkRow } from "../rows.ts";
import { kill } from "../task/kill.ts";
import { reconcile } from "../task/reconcile.ts";
import { acknowledge } from "../task/update.ts";
import { reply, type Turn } from "../turn.ts";
import { messageToExecutor, shutdownExecutor } from "./message.ts";
import { removeFramework } from "./remove.ts";
import { updateFramework } from "./update.ts";

type Handler = (turn: Turn, framework: FrameworkRow, call: scheduler.Call) => void;

/**
 * How each call is carried out. Undefined: not served yet. A call whose sub-message is missing was
 * refused before it came here, except where the sub-message is optional.
 */
const handlers: { readonly [T in scheduler.CallType]: Handler | undefined } = {
  UNKNOWN: undefined,
  SUBSCRIBE: undefined,
  TEARDOWN: (turn, framework) => removeFramework(turn, framework),
  ACCEPT: (turn, framework, { accept: call }) => call && accept(turn, framework, call),
  DECLINE: (turn, framework, { decline: call }) => call && decline(turn, framework, call),
  ACCEPT_INVERSE_OFFERS: (turn, framework, { accept_inverse_offers: call }) =>
    answerInverseOffers(turn, framework, {
      status: "ACCEPT",
      ids: call?.inverse_offer_ids ?? [],
      filters: call?.filters,
    }),
  DECLINE_INVERSE_OFFERS: (turn, framework, { decline_inverse_offers: call }) =>
    answerInverseOffers(turn, framework, {
      status: "DECLINE",
      ids: call?.inverse_offer_ids ?? [],
      filters: call?.filters,
    }),
  REVIVE: (turn, framework, { revive: call }) => revive(turn, framework, call?.roles ?? []),
  SUPPRESS: (turn, framework, { suppress: call }) => suppress(turn, framework, call?.roles ?? []),
  KILL: (turn, framework, { kill: call }) => call && kill(turn, framework, call),
  SHUTDOWN: (turn, framework, { shutdown: call }) =>
    call && shutdownExecutor(turn, framework, call),
  ACKNOWLEDGE: (turn, framework, { acknowledge: call }) =>
    call && acknowledge(turn, framework, call),
  ACKNOWLEDGE_OPERATION_STATUS: (turn, framework, { acknowledge_operation_status: call }) =>
    call && acknowledgeOperation(turn, framework, call),
  RECONCILE: (turn, framework, { reconcile: call }) => call && reconcile(turn, framework, call),
  RECONCILE_OPERATIONS: (turn, framework, { reconcile_operations: call }) =>
    call && reconcileOperations(turn, framework, call),
  MESSAGE: (turn, framework, { message: call }) => call && messageToExecutor(turn, framework, call),
  // The allocator makes nothing of requests, as in Mesos.
  REQUEST: () => {},
  UPDATE_FRAMEWORK: (turn, framework, { update_framework: call }) =>
    call && updateFramework(turn, framework, call),
};

export function schedulerCall(
  turn: Turn,
  streamId: StreamId | undefined,
  call: scheduler.Call,
): void {
  const type = call.type ?? "UNKNOWN";
  const framework = admit(turn, streamId, call);
  if (!framework.ok) {
    reply(turn, { type: "REFUSED", error: framework.error });
    return;
  }
  const handler = handlers[type];
  if (handler === undefined) {
    reply(turn, { type: "REFUSED", error: { code: "CALL_NOT_SERVED", callType: type } });
    return;
  }
  if (!isAuthorized(turn.principal, { type: "CALL_AS_FRAMEWORK", callType: type })) {
    reply(turn, { type: "REFUSED", error: { code: "NOT_AUTHORIZED", action: type } });
    return;
  }
  // What becomes of the others is told by events.
  if (type !== "UPDATE_FRAMEWORK") reply(turn, { type: "ACCEPTED" });
  handler(turn, framework.value, call);
}

/** The framework, if it may call: known, its principal, subscribed, on its live stream. */
function admit(
  turn: Turn,
  streamId: StreamId | undefined,
  call: scheduler.Call,
): Result<FrameworkRow, CallError> {
  const frameworkId = call.framework_id?.value ?? "";
  const framework = turn.state.tables.framework.get(frameworkId);
  if (framework === undefined) return err({ code: "FRAMEWORK_NOT_FOUND", frameworkId });
  const principal = turn.principal.value;
  if (principal !== undefined && principal !== framework.principal) {
    return err({ code: "PRINCIPAL_MISMATCH", frameworkId, principal });
  }
  if (framework.connection.state !== "CONNECTED") {
    return err({ code: "FRAMEWORK_NOT_SUBSCRIBED", frameworkId });
  }
  if (streamId === undefined) return err({ code: "STREAM_ID_MISSING", frameworkId });
  if (streamId !== framework.connection.streamId) {
    return err({ code: "STREAM_ID_MISMATCH", frameworkId, streamId });
  }
  return ok(framework);
}
