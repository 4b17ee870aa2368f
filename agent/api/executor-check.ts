/** Checks of an executor's call, in the order of http-semantics 7.1. */
import { MESSAGE_BYTES, UUID_BYTES } from "../../worker/protocol/limits.ts";
import type * as executor from "../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import { customExecutors } from "../core/custom-executors.ts";
import { isOfRun, type RunRow } from "../core/rows.ts";
import type { AgentState } from "../core/state.ts";
import type { ExecutorRefusal } from "./respond-executor.ts";

/** Updates of one task that may wait for its framework: far more than any honest executor makes. */
const UPDATES_PER_TASK = 1_000;

/** What is wrong with the call itself. */
export function malformed(call: executor.Call): ExecutorRefusal | undefined {
  switch (call.type) {
    case undefined:
      return { code: "FIELD_MISSING", field: "type" };
    case "UNKNOWN":
      return { code: "TYPE_UNKNOWN" };
    case "SUBSCRIBE":
      if (call.subscribe === undefined) return { code: "FIELD_MISSING", field: "subscribe" };
      return firstOf(call.subscribe.unacknowledged_updates ?? [], ({ status }) =>
        malformedStatus(call, status),
      );
    case "UPDATE":
      if (call.update === undefined) return { code: "FIELD_MISSING", field: "update" };
      return malformedStatus(call, call.update.status);
    case "MESSAGE":
      if (call.message === undefined) return { code: "FIELD_MISSING", field: "message" };
      return call.message.data.length > MESSAGE_BYTES ? TOO_LONG : undefined;
    case "HEARTBEAT":
      return undefined;
    default:
      return unreachable(call.type);
  }
}

/** The other states are the agent's to say, or the master's. */
const SAYABLE: readonly mesos.TaskState[] = [
  ...(["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_FINISHED", "TASK_FAILED"] as const),
  ...(["TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED", "TASK_GONE"] as const),
];

const TOO_LONG: ExecutorRefusal = { code: "DATA_TOO_LONG", limit: MESSAGE_BYTES };

function malformedStatus(
  { executor_id }: executor.Call,
  status: mesos.TaskStatus,
): ExecutorRefusal | undefined {
  const { uuid, source, state, data, check_status, executor_id: named } = status;
  if (uuid?.length !== UUID_BYTES) return { code: "UUID_MALFORMED", bytes: uuid?.length ?? 0 };
  if (named !== undefined && named.value !== executor_id.value) {
    return { code: "OTHER_EXECUTOR", executorId: named.value };
  }
  if (source !== "SOURCE_EXECUTOR") return { code: "OTHER_SOURCE", source };
  if (!SAYABLE.includes(state)) return { code: "STATE_OF_OTHERS", state };
  if (data !== undefined && data.length > MESSAGE_BYTES) return TOO_LONG;
  return check_status === undefined ? undefined : malformedCheckStatus(check_status);
}

function malformedCheckStatus(status: mesos.CheckStatusInfo): ExecutorRefusal | undefined {
  const { type, command, http, tcp } = status;
  const results = { COMMAND: command, HTTP: http, TCP: tcp };
  if (type !== undefined && type !== "UNKNOWN" && results[type] !== undefined) return undefined;
  return { code: "CHECK_STATUS_MALFORMED", type };
}

/** The executor that speaks; a number of its container is no secret, its token is. */
export function speaker(
  state: AgentState,
  { framework_id, executor_id }: executor.Call,
): { readonly containerId: ContainerId } | ExecutorRefusal {
  const ofFramework = customExecutors(state).filter(
    (row) => row.frameworkId === framework_id.value,
  );
  const executors = ofFramework.filter((row) => row.executorId === executor_id.value);
  // One that is forsaken may have a namesake that lives.
  const found = executors.find(({ isForsaken }) => isForsaken !== true) ?? executors[0];
  if (found !== undefined) return { containerId: found.containerId };
  const isKnown = ofFramework.length > 0 || state.framework.has(framework_id.value);
  return isKnown
    ? { code: "EXECUTOR_UNKNOWN", executorId: executor_id.value }
    : { code: "FRAMEWORK_UNKNOWN", frameworkId: framework_id.value };
}

/** Whether it has ever; and if it outlived the last agent process, to this one. */
export function hasSubscribed(state: AgentState, containerId: ContainerId): boolean {
  const { process } = state.executor.get(containerId) ?? {};
  if (process === undefined || state.executorReturns.has(containerId)) return false;
  return ["SUBSCRIBED", "TERMINATING", "DESTROYING"].includes(process.state);
}

/** An executor speaks of the tasks that it was given, and under uuids of its own. */
export function foreign(
  state: AgentState,
  containerId: ContainerId,
  { executor_id }: executor.Call,
  { task_id, uuid = new Uint8Array() }: mesos.TaskStatus,
): ExecutorRefusal | undefined {
  const taskId = task_id.value;
  const isOurs = (row: { readonly taskId: string; readonly parentId?: ContainerId }): boolean =>
    row.taskId === taskId && row.parentId === containerId;
  const runs = [...state.run.values()].filter((run) => isOurs(run) && wasGiven(run));
  const isCompleted = (): boolean => [...state.completedRun.values()].some(isOurs);
  if (runs.length === 0 && !isCompleted()) {
    return { code: "TASK_OF_OTHERS", taskId, executorId: executor_id.value };
  }
  const known = state.update.get(encodeBase64(uuid));
  if (known !== undefined) {
    const isTheirs = runs.some((run) => isOfRun(known, run));
    return isTheirs ? undefined : { code: "UUID_OF_OTHERS", taskId };
  }
  if (state.update.size < UPDATES_PER_TASK) return undefined;
  const waiting = [...state.update.values()].filter((row) => runs.some((run) => isOfRun(row, run)));
  if (waiting.length < UPDATES_PER_TASK) return undefined;
  return { code: "TOO_MANY_UPDATES", taskId, limit: UPDATES_PER_TASK };
}

function wasGiven({ stage }: RunRow): boolean {
  return stage.state === "ENTRUSTED" || stage.state === "ENDED";
}

function firstOf<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
