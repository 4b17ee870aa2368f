/**
 * The calls of the operator API: one file per call, and this table.
 *
 * A read looks at the state between two steps and changes nothing; its answer is one consistent
 * snapshot. A change is a turn of the master: it answers with a reply, as every turn does, after
 * it has asked the authorizer.
 */
import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";
import type { Turn } from "../turn.ts";
import { getAgents } from "./get-agents.ts";
import { getExecutors } from "./get-executors.ts";
import { getFlags } from "./get-flags.ts";
import { getFrameworks } from "./get-frameworks.ts";
import { getHealth } from "./get-health.ts";
import { getMaster } from "./get-master.ts";
import { getQuota } from "./get-quota.ts";
import { getRoles } from "./get-roles.ts";
import { getState } from "./get-state.ts";
import { getTasks } from "./get-tasks.ts";
import { getVersion } from "./get-version.ts";
import { getWeights } from "./get-weights.ts";
import { removeQuota } from "./remove-quota.ts";
import { setQuota } from "./set-quota.ts";
import { teardown } from "./teardown.ts";
import { updateQuota } from "./update-quota.ts";
import { updateWeights } from "./update-weights.ts";

export type OperatorRead = (
  state: MasterState,
  nowMs: number,
  call: master.Call,
) => master.Response;

/** The part of the call that goes by its type's name is there: the edge has checked that. */
export type OperatorChange = (turn: Turn, call: master.Call) => void;

export type OperatorCall =
  | { readonly kind: "READ"; readonly read: OperatorRead }
  | { readonly kind: "CHANGE"; readonly change: OperatorChange }
  /** Answered by the object around the core: it is about that, not about the cluster. */
  | { readonly kind: "SHELL" }
  | { readonly kind: "NOT_SERVED" };

const read = (call: OperatorRead): OperatorCall => ({ kind: "READ", read: call });
const change = (call: OperatorChange): OperatorCall => ({ kind: "CHANGE", change: call });
const shell: OperatorCall = { kind: "SHELL" };
const notServed: OperatorCall = { kind: "NOT_SERVED" };

export const operatorCalls: { readonly [T in master.CallType]: OperatorCall } = {
  GET_HEALTH: read(getHealth),
  GET_VERSION: read(getVersion),
  GET_MASTER: read(getMaster),
  GET_STATE: read(getState),
  GET_AGENTS: read(getAgents),
  GET_FRAMEWORKS: read(getFrameworks),
  GET_EXECUTORS: read(getExecutors),
  GET_TASKS: read(getTasks),
  GET_ROLES: read(getRoles),
  TEARDOWN: change(teardown),
  UNKNOWN: notServed,
  GET_FLAGS: read(getFlags),
  GET_METRICS: shell,
  GET_LOGGING_LEVEL: shell,
  SET_LOGGING_LEVEL: shell,
  LIST_FILES: shell,
  READ_FILE: shell,
  GET_WEIGHTS: read(getWeights),
  UPDATE_WEIGHTS: change(updateWeights),
  SUBSCRIBE: notServed,
  RESERVE_RESOURCES: notServed,
  UNRESERVE_RESOURCES: notServed,
  CREATE_VOLUMES: notServed,
  DESTROY_VOLUMES: notServed,
  GET_MAINTENANCE_STATUS: notServed,
  GET_MAINTENANCE_SCHEDULE: notServed,
  UPDATE_MAINTENANCE_SCHEDULE: notServed,
  START_MAINTENANCE: notServed,
  STOP_MAINTENANCE: notServed,
  GET_QUOTA: read(getQuota),
  SET_QUOTA: change(setQuota),
  REMOVE_QUOTA: change(removeQuota),
  MARK_AGENT_GONE: notServed,
  GET_OPERATIONS: notServed,
  GROW_VOLUME: notServed,
  SHRINK_VOLUME: notServed,
  UPDATE_QUOTA: change(updateQuota),
  DRAIN_AGENT: notServed,
  DEACTIVATE_AGENT: notServed,
  REACTIVATE_AGENT: notServed,
};

export function operatorCall(turn: Turn, call: master.Call): void {
  const served = operatorCalls[call.type ?? "UNKNOWN"];
  if (served.kind === "CHANGE") served.change(turn, call);
  else {
    const callType = call.type ?? "UNKNOWN";
    turn.effects.push({
      type: "REPLY",
      reply: { type: "REFUSED", error: { code: "CALL_NOT_SERVED", callType } },
    });
  }
}
