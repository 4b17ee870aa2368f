/**
 * What can be said about a scheduler call without the master's state. Everything that passes is the
 * master's to judge.
 *
 * Source of the rules: Mesos `src/master/validation.cpp`, namespace `scheduler::call`; the bounds
 * are ours.
 */
import type { Principal } from "../core/input.ts";
import {
  EXECUTOR_INFO_LENGTH,
  FRAMEWORK_INFO_LENGTH,
  MESSAGE_BYTES,
  OFFER_CONSTRAINTS_LENGTH,
  OFFERS_PER_CALL,
  OPERATION_LENGTH,
  OPERATIONS_PER_CALL,
  TASK_INFO_LENGTH,
  TASKS_PER_CALL,
  TASKS_PER_RECONCILE,
  UUID_BYTES,
} from "../protocol/limits.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import type * as scheduler from "../protocol/v1/scheduler.ts";
import { encodeJson } from "../protocol/wire/json.ts";

export type InvalidCall =
  | { readonly code: "FIELD_MISSING"; readonly field: string }
  | { readonly code: "IDS_DIFFER"; readonly field: string; readonly other: string }
  | { readonly code: "PRINCIPALS_DIFFER"; readonly named: string; readonly caller: string }
  | { readonly code: "UUID_MALFORMED"; readonly field: string; readonly bytes: number }
  | {
      readonly code: "TOO_MANY";
      readonly field: string;
      readonly count: number;
      readonly limit: number;
    }
  /** `limit`: bytes. */
  | { readonly code: "TOO_LONG"; readonly field: string; readonly limit: number };

/** The sub-message that each call needs. */
const needed: { readonly [T in scheduler.CallType]: keyof scheduler.Call | undefined } = {
  UNKNOWN: undefined,
  SUBSCRIBE: "subscribe",
  TEARDOWN: undefined,
  ACCEPT: "accept",
  DECLINE: "decline",
  REVIVE: undefined,
  KILL: "kill",
  SHUTDOWN: "shutdown",
  ACKNOWLEDGE: "acknowledge",
  RECONCILE: "reconcile",
  MESSAGE: "message",
  REQUEST: "request",
  SUPPRESS: undefined,
  ACCEPT_INVERSE_OFFERS: "accept_inverse_offers",
  DECLINE_INVERSE_OFFERS: "decline_inverse_offers",
  ACKNOWLEDGE_OPERATION_STATUS: "acknowledge_operation_status",
  RECONCILE_OPERATIONS: "reconcile_operations",
  UPDATE_FRAMEWORK: "update_framework",
};

/** A call with its type, which `scheduler.Call` leaves open. */
export type TypedCall = scheduler.Call & { readonly type: scheduler.CallType };

/**
 * `jsonLengthMost`: characters of the call as JSON at most. Undefined: nothing is wrong with the
 * call, as far as can be said here.
 */
export function validateSchedulerCall(
  call: scheduler.Call,
  { principal, jsonLengthMost }: { readonly principal: Principal; readonly jsonLengthMost: number },
): InvalidCall | undefined {
  const { type } = call;
  if (type === undefined) return missing("type");
  const field = needed[type];
  if (type === "SUBSCRIBE") {
    if (call.subscribe === undefined) return missing("subscribe");
    return validateSubscribe(call, call.subscribe, principal);
  }
  if (call.framework_id === undefined) return missing("framework_id");
  if (field !== undefined && call[field] === undefined) return missing(field);
  return validateFields(call) ?? validateBounds(call, jsonLengthMost);
}

function validateSubscribe(
  call: scheduler.Call,
  subscribe: scheduler.CallSubscribe,
  principal: Principal,
): InvalidCall | undefined {
  const { framework_info: info } = subscribe;
  // An empty id is none, as in Mesos.
  if ((call.framework_id?.value ?? "") !== (info.id?.value ?? "")) {
    return { code: "IDS_DIFFER", field: "framework_id", other: "subscribe.framework_info.id" };
  }
  const { value } = principal;
  if (value !== undefined && info.principal !== undefined && info.principal !== value) {
    return { code: "PRINCIPALS_DIFFER", named: info.principal, caller: value };
  }
  return validateWishes("subscribe", subscribe);
}

/** What both SUBSCRIBE and UPDATE_FRAMEWORK leave in the framework's row. */
function validateWishes(
  field: string,
  wishes: scheduler.CallSubscribe | scheduler.CallUpdateFramework,
): InvalidCall | undefined {
  const { framework_info: info, offer_constraints: constraints = {} } = wishes;
  const { length } = encodeJson("mesos.v1.FrameworkInfo", info);
  if (length > FRAMEWORK_INFO_LENGTH) {
    return tooLong(`${field}.framework_info`, FRAMEWORK_INFO_LENGTH);
  }
  const text = encodeJson("mesos.v1.scheduler.OfferConstraints", constraints);
  if (text.length <= OFFER_CONSTRAINTS_LENGTH) return undefined;
  return tooLong(`${field}.offer_constraints`, OFFER_CONSTRAINTS_LENGTH);
}

function validateFields(call: scheduler.Call): InvalidCall | undefined {
  switch (call.type) {
    case "ACKNOWLEDGE":
      return validateUuid("acknowledge.uuid", call.acknowledge?.uuid);
    case "ACKNOWLEDGE_OPERATION_STATUS": {
      const acknowledge = call.acknowledge_operation_status;
      const wrong = validateUuid("acknowledge_operation_status.uuid", acknowledge?.uuid);
      if (wrong !== undefined || acknowledge?.agent_id !== undefined) return wrong;
      return missing("acknowledge_operation_status.agent_id");
    }
    case "UPDATE_FRAMEWORK": {
      const other = "update_framework.framework_info.id";
      const { update_framework: update } = call;
      const same = update?.framework_info.id?.value === call.framework_id?.value;
      if (!same) return { code: "IDS_DIFFER", field: "framework_id", other };
      return update && validateWishes("update_framework", update);
    }
    default:
      return undefined;
  }
}

function validateBounds(call: scheduler.Call, jsonLengthMost: number): InvalidCall | undefined {
  const { accept, decline, reconcile, message } = call;
  return (
    (accept && validateAccept(accept, jsonLengthMost)) ??
    tooMany("decline.offer_ids", decline?.offer_ids, OFFERS_PER_CALL) ??
    tooMany(
      "accept_inverse_offers.inverse_offer_ids",
      call.accept_inverse_offers?.inverse_offer_ids,
      OFFERS_PER_CALL,
    ) ??
    tooMany(
      "decline_inverse_offers.inverse_offer_ids",
      call.decline_inverse_offers?.inverse_offer_ids,
      OFFERS_PER_CALL,
    ) ??
    tooMany("reconcile.tasks", reconcile?.tasks, TASKS_PER_RECONCILE) ??
    tooMany(
      "reconcile_operations.operations",
      call.reconcile_operations?.operations,
      TASKS_PER_RECONCILE,
    ) ??
    (message !== undefined && message.data.length > MESSAGE_BYTES
      ? tooLong("message.data", MESSAGE_BYTES)
      : undefined)
  );
}

function validateAccept(
  accept: scheduler.CallAccept,
  jsonLengthMost: number,
): InvalidCall | undefined {
  const operations = accept.operations ?? [];
  const tasks = operations.flatMap(tasksOf);
  const wrong =
    tooMany("accept.offer_ids", accept.offer_ids, OFFERS_PER_CALL) ??
    tooMany("accept.operations", operations, OPERATIONS_PER_CALL) ??
    tooMany("accept.operations.launch.task_infos", tasks, TASKS_PER_CALL);
  // Nothing can be longer than the call is.
  if (wrong !== undefined || jsonLengthMost <= OPERATION_LENGTH) return wrong;
  const long = tasks.find(
    (task) => encodeJson("mesos.v1.TaskInfo", task).length > TASK_INFO_LENGTH,
  );
  if (long !== undefined) {
    return tooLong(`task_info '${long.task_id.value.slice(0, 64)}'`, TASK_INFO_LENGTH);
  }
  return operations.map(validateOperation).find((problem) => problem !== undefined);
}

/** What is kept of it besides its tasks. */
function validateOperation(operation: mesos.OfferOperation): InvalidCall | undefined {
  const { launch, launch_group: group, ...rest } = operation;
  if (encodeJson("mesos.v1.Offer.Operation", rest).length > OPERATION_LENGTH) {
    return tooLong(`accept.operations, ${operation.type ?? "UNKNOWN"}`, OPERATION_LENGTH);
  }
  const inTask = launch?.task_infos?.some(hasLongExecutor);
  const field = inTask === true ? "launch.task_infos" : "launch_group";
  return inTask === true || (group !== undefined && hasLongExecutor(group))
    ? tooLong(`accept.operations.${field}.executor`, EXECUTOR_INFO_LENGTH)
    : undefined;
}

function hasLongExecutor({ executor }: Pick<mesos.TaskInfo, "executor">): boolean {
  if (executor === undefined) return false;
  return encodeJson("mesos.v1.ExecutorInfo", executor).length > EXECUTOR_INFO_LENGTH;
}

/** Also of the part that the operation's type does not name. */
function tasksOf({ launch, launch_group }: mesos.OfferOperation): readonly mesos.TaskInfo[] {
  return [...(launch?.task_infos ?? []), ...(launch_group?.task_group.tasks ?? [])];
}

function validateUuid(field: string, uuid: Uint8Array | undefined): InvalidCall | undefined {
  if (uuid?.length === UUID_BYTES) return undefined;
  return { code: "UUID_MALFORMED", field, bytes: uuid?.length ?? 0 };
}

function missing(field: string): InvalidCall {
  return { code: "FIELD_MISSING", field };
}

function tooLong(field: string, limit: number): InvalidCall {
  return { code: "TOO_LONG", field, limit };
}

function tooMany(
  field: string,
  entries: readonly unknown[] | undefined,
  limit: number,
): InvalidCall | undefined {
  const count = entries?.length ?? 0;
  return count > limit ? { code: "TOO_MANY", field, count, limit } : undefined;
}
