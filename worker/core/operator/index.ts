/**
 * The read calls of the operator API: one file per call, and this table. A read looks at the state
 * between two steps and changes nothing; the answer is one consistent snapshot.
 */
import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";
import { getAgents } from "./get-agents.ts";
import { getExecutors } from "./get-executors.ts";
import { getFrameworks } from "./get-frameworks.ts";
import { getHealth } from "./get-health.ts";
import { getMaster } from "./get-master.ts";
import { getRoles } from "./get-roles.ts";
import { getState } from "./get-state.ts";
import { getTasks } from "./get-tasks.ts";
import { getVersion } from "./get-version.ts";

export type OperatorRead = (state: MasterState, nowMs: number) => master.Response;

/** Undefined: not a read, or not served yet. */
export const operatorReads: { readonly [T in master.CallType]: OperatorRead | undefined } = {
  GET_HEALTH: getHealth,
  GET_VERSION: getVersion,
  GET_MASTER: getMaster,
  GET_STATE: getState,
  GET_AGENTS: getAgents,
  GET_FRAMEWORKS: getFrameworks,
  GET_EXECUTORS: getExecutors,
  GET_TASKS: getTasks,
  GET_ROLES: getRoles,
  UNKNOWN: undefined,
  GET_FLAGS: undefined,
  GET_METRICS: undefined,
  GET_LOGGING_LEVEL: undefined,
  SET_LOGGING_LEVEL: undefined,
  LIST_FILES: undefined,
  READ_FILE: undefined,
  GET_WEIGHTS: undefined,
  UPDATE_WEIGHTS: undefined,
  SUBSCRIBE: undefined,
  RESERVE_RESOURCES: undefined,
  UNRESERVE_RESOURCES: undefined,
  CREATE_VOLUMES: undefined,
  DESTROY_VOLUMES: undefined,
  GET_MAINTENANCE_STATUS: undefined,
  GET_MAINTENANCE_SCHEDULE: undefined,
  UPDATE_MAINTENANCE_SCHEDULE: undefined,
  START_MAINTENANCE: undefined,
  STOP_MAINTENANCE: undefined,
  GET_QUOTA: undefined,
  SET_QUOTA: undefined,
  REMOVE_QUOTA: undefined,
  TEARDOWN: undefined,
  MARK_AGENT_GONE: undefined,
  GET_OPERATIONS: undefined,
  GROW_VOLUME: undefined,
  SHRINK_VOLUME: undefined,
  UPDATE_QUOTA: undefined,
  DRAIN_AGENT: undefined,
  DEACTIVATE_AGENT: undefined,
  REACTIVATE_AGENT: undefined,
};
