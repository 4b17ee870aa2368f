/**
 * What can be said about a call of the operator API without the master's state.
 * Source of the rules: Mesos `src/master/validation.cpp`, namespace `master::call`.
 */
import { OPERATION_LENGTH } from "../protocol/limits.ts";
import type * as master from "../protocol/v1/master.ts";
import { messageDescriptor } from "../protocol/wire/descriptor.ts";
import { encodeJson } from "../protocol/wire/json.ts";
import type { InvalidCall } from "./validate-scheduler-call.ts";

/** Every call with a part of its own needs that part; it has the name of the call's type. */
export function validateOperatorCall(call: master.Call): InvalidCall | undefined {
  if (call.type === undefined) return { code: "FIELD_MISSING", field: "type" };
  const part = call.type.toLowerCase();
  const { fields } = messageDescriptor("mesos.v1.master.Call");
  const needed = fields.some(({ name }) => name === part);
  // The part's name comes from the message's own descriptor.
  const given = call[part as keyof master.Call];
  return needed && given === undefined ? { code: "FIELD_MISSING", field: part } : undefined;
}

/** Calls that become an operation of one agent, which is kept as it came. */
const KEPT_WHOLE: ReadonlySet<master.CallType> = new Set<master.CallType>([
  "RESERVE_RESOURCES",
  "UNRESERVE_RESOURCES",
  "CREATE_VOLUMES",
  "DESTROY_VOLUMES",
  "GROW_VOLUME",
  "SHRINK_VOLUME",
]);

export function tooLongToKeep(call: master.Call): InvalidCall | undefined {
  if (call.type === undefined || !KEPT_WHOLE.has(call.type)) return undefined;
  const { length } = encodeJson("mesos.v1.master.Call", call);
  if (length <= OPERATION_LENGTH) return undefined;
  return { code: "TOO_LONG", field: call.type.toLowerCase(), limit: OPERATION_LENGTH };
}
