/**
 * The calls of the operator API: one file per call, and this table.
 *
 * A read looks at the state between two steps and changes nothing; a long one is made from a
 * snapshot, piece by piece, so its answer is one consistent moment too. A change is a turn of the
 * master: it answers with a reply, as every turn does, after it has asked the authorizer.
 */
import type * as master from "../../protocol/v1/master.ts";
import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import type { MasterState } from "../state.ts";
import type { Turn } from "../turn.ts";
import { audited } from "./audit.ts";
import { createVolumes } from "./create-volumes.ts";
import { deactivateAgentCall } from "./deactivate-agent.ts";
import { destroyVolumes } from "./destroy-volumes.ts";
import { drainAgentCall } from "./drain-agent.ts";
import { getAgents } from "./get-agents.ts";
import { getExecutors } from "./get-executors.ts";
import { getFlags } from "./get-flags.ts";
import { getFrameworks } from "./get-frameworks.ts";
import { getHealth } from "./get-health.ts";
import { getMaintenanceSchedule } from "./get-maintenance-schedule.ts";
import { getMaintenanceStatus } from "./get-maintenance-status.ts";
import { getMaster } from "./get-master.ts";
import { getOperations } from "./get-operations.ts";
import { getQuota } from "./get-quota.ts";
import { getRoles } from "./get-roles.ts";
import { getState } from "./get-state.ts";
import { getTasks } from "./get-tasks.ts";
import { getVersion } from "./get-version.ts";
import { getWeights } from "./get-weights.ts";
import { growVolume } from "./grow-volume.ts";
import { markAgentGone } from "./mark-agent-gone.ts";
import { reactivateAgentCall } from "./reactivate-agent.ts";
import { removeQuota } from "./remove-quota.ts";
import { reserveResources } from "./reserve-resources.ts";
import { setQuota } from "./set-quota.ts";
import { shrinkVolume } from "./shrink-volume.ts";
import type { Snapshot } from "./snapshot.ts";
import { startMaintenanceCall } from "./start-maintenance.ts";
import { stopMaintenanceCall } from "./stop-maintenance.ts";
import { teardown } from "./teardown.ts";
import { unreserveResources } from "./unreserve-resources.ts";
import { updateMaintenanceSchedule } from "./update-maintenance-schedule.ts";
import { updateQuota } from "./update-quota.ts";
import { updateWeights } from "./update-weights.ts";

export type OperatorRead = (
  state: MasterState,
  nowMs: number,
  call: master.Call,
) => master.Response;

/** The answer, made of the snapshot while it is read. */
export type OperatorLongRead = (
  snapshot: Snapshot,
  call: master.Call,
) => LongMessage<"mesos.v1.master.Response">;

/** The part of the call that goes by its type's name is there: the edge has checked that. */
export type OperatorChange = (turn: Turn, call: master.Call) => void;

export type OperatorCall =
  | { readonly kind: "READ"; readonly read: OperatorRead }
  | { readonly kind: "LONG_READ"; readonly read: OperatorLongRead }
  | { readonly kind: "CHANGE"; readonly change: OperatorChange }
  /** SUBSCRIBE: answered with a stream of events. */
  | { readonly kind: "STREAM" }
  /** Answered by the object around the core: it is about that, not about the cluster. */
  | { readonly kind: "SHELL" }
  | { readonly kind: "NOT_SERVED" };

const read = (call: OperatorRead): OperatorCall => ({ kind: "READ", read: call });
const change = (call: OperatorChange): OperatorCall => ({ kind: "CHANGE", change: call });
const shell: OperatorCall = { kind: "SHELL" };
const longRead = (
  type: master.CallType & master.ResponseType,
  field: keyof master.Response,
  part: (snapshot: Snapshot) => LongMessage,
): OperatorCall => ({
  kind: "LONG_READ",
  read: (snapshot) =>
    longMessage("mesos.v1.master.Response", (of) => [
      of.fields({ type }),
      of.message(field, part(snapshot)),
    ]),
});
const notServed: OperatorCall = { kind: "NOT_SERVED" };

export const operatorCalls: { readonly [T in master.CallType]: OperatorCall } = {
  GET_HEALTH: read(getHealth),
  GET_VERSION: read(getVersion),
  GET_MASTER: read(getMaster),
  GET_STATE: longRead("GET_STATE", "get_state", getState),
  GET_AGENTS: longRead("GET_AGENTS", "get_agents", getAgents),
  GET_FRAMEWORKS: longRead("GET_FRAMEWORKS", "get_frameworks", getFrameworks),
  GET_EXECUTORS: longRead("GET_EXECUTORS", "get_executors", getExecutors),
  GET_TASKS: longRead("GET_TASKS", "get_tasks", getTasks),
  GET_ROLES: longRead("GET_ROLES", "get_roles", getRoles),
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
  SUBSCRIBE: { kind: "STREAM" },
  RESERVE_RESOURCES: change(reserveResources),
  UNRESERVE_RESOURCES: change(unreserveResources),
  CREATE_VOLUMES: change(createVolumes),
  DESTROY_VOLUMES: change(destroyVolumes),
  GET_MAINTENANCE_STATUS: read(getMaintenanceStatus),
  GET_MAINTENANCE_SCHEDULE: read(getMaintenanceSchedule),
  UPDATE_MAINTENANCE_SCHEDULE: change(updateMaintenanceSchedule),
  START_MAINTENANCE: change(startMaintenanceCall),
  STOP_MAINTENANCE: change(stopMaintenanceCall),
  GET_QUOTA: read(getQuota),
  SET_QUOTA: change(setQuota),
  REMOVE_QUOTA: change(removeQuota),
  MARK_AGENT_GONE: change(markAgentGone),
  GET_OPERATIONS: read(getOperations),
  GROW_VOLUME: change(growVolume),
  SHRINK_VOLUME: change(shrinkVolume),
  UPDATE_QUOTA: change(updateQuota),
  DRAIN_AGENT: change(drainAgentCall),
  DEACTIVATE_AGENT: change(deactivateAgentCall),
  REACTIVATE_AGENT: change(reactivateAgentCall),
};

export function operatorCall(turn: Turn, call: master.Call): void {
  const served = operatorCalls[call.type ?? "UNKNOWN"];
  const callType = call.type ?? "UNKNOWN";
  if (served.kind === "CHANGE") audited(turn, callType, () => served.change(turn, call));
  else {
    turn.effects.push({
      type: "REPLY",
      reply: { type: "REFUSED", error: { code: "CALL_NOT_SERVED", callType } },
    });
  }
}
