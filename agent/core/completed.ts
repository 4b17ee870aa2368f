/** Runs that are over: remembered within bounds, the oldest forgotten first. */
import type { FrameworkId } from "../../worker/protocol/ids.ts";
import { assert } from "../../worker/std/assert.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import {
  COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX,
  COMPLETED_FRAMEWORKS_MAX,
  COMPLETED_RUNS_MAX,
  COMPLETED_TASKS_PER_EXECUTOR_MAX,
  IDLE_FRAMEWORKS_MAX,
} from "./limits.ts";
import { type CompletedRunRow, isOfRun, type PendingUpdate, type RunRow } from "./rows.ts";
import { busyFrameworks, isAbandoned } from "./runs.ts";
import type { AgentState } from "./state.ts";
import { dropUpdates } from "./updates.ts";

/**
 * The run is over and acknowledged (or nobody is left to acknowledge it): only its sandbox stays.
 */
export function complete(state: AgentState, run: RunRow, nowMs: number): void {
  const { seq, containerId, agentId, frameworkId, taskId, executorId, runNumber, stage } = run;
  const endedMs = stage.state === "ENDED" ? stage.endedMs : nowMs;
  const pending = pendingUpdate(state, run);
  const isUnacknowledged = isAbandoned(run) || pending !== undefined;
  // An abandoned run has no updates any more, and under a new agent id its number may be another
  // run's.
  if (!isAbandoned(run)) dropUpdates(state, (row) => isOfRun(row, run));
  state.run.delete(containerId);
  if (run.parentId !== undefined) state.executorsToCheck.add(run.parentId);
  const place = { containerId, agentId, frameworkId, taskId, executorId };
  const completed = state.completedRun.put({
    seq,
    ...place,
    runNumber,
    endedMs,
    ...(run.parentId !== undefined && { parentId: run.parentId }),
    ...(isUnacknowledged && { isUnacknowledged }),
    ...(pending !== undefined && { pending }),
  });
  dropOldestRuns(state, completed);
  dropOldestFrameworks(state);
}

/** Container of the executor that a run belongs to; a command task's is its own. */
export function executorContainer(run: {
  readonly containerId: ContainerId;
  readonly parentId?: ContainerId;
}): ContainerId {
  return run.parentId ?? run.containerId;
}

/** The oldest update of a run that is not acknowledged. */
export function pendingUpdate(state: AgentState, run: RunRow): PendingUpdate | undefined {
  for (const row of state.update.values()) {
    if (isOfRun(row, run)) return { state: row.state, uuid: row.uuid };
  }
  return undefined;
}

/** Makes room for what `newest` brought beyond a bound. */
function dropOldestRuns(state: AgentState, newest: CompletedRunRow): void {
  const ofFramework = [...state.completedRun.values()].filter(
    ({ frameworkId }) => frameworkId === newest.frameworkId,
  );
  const executor = executorContainer(newest);
  const ofExecutor = ofFramework.filter((row) => executorContainer(row) === executor);
  drop(state, ofExecutor.slice(0, -COMPLETED_TASKS_PER_EXECUTOR_MAX));
  const executors = new Set(ofFramework.map(executorContainer));
  for (const oldest of executors) {
    if (executors.size <= COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX) break;
    drop(
      state,
      ofFramework.filter((row) => executorContainer(row) === oldest),
    );
    executors.delete(oldest);
  }
  if (ofFramework.length === 1) dropOldestCompletedFrameworks(state);
  for (const row of state.completedRun.values()) {
    if (state.completedRun.size <= COMPLETED_RUNS_MAX) break;
    state.completedRun.delete(row.containerId);
  }
}

/** Of the frameworks of which nothing lives here any more. */
function dropOldestCompletedFrameworks(state: AgentState): void {
  const busy = busyFrameworks(state);
  const rows = [...state.completedRun.values()].filter(({ frameworkId }) => !busy.has(frameworkId));
  const frameworks = new Set<FrameworkId>(rows.map(({ frameworkId }) => frameworkId));
  for (const oldest of frameworks) {
    if (frameworks.size <= COMPLETED_FRAMEWORKS_MAX) return;
    drop(
      state,
      rows.filter(({ frameworkId }) => frameworkId === oldest),
    );
    frameworks.delete(oldest);
  }
}

function drop(state: AgentState, rows: readonly CompletedRunRow[]): void {
  for (const { containerId } of rows) state.completedRun.delete(containerId);
}

function dropOldestFrameworks(state: AgentState): void {
  if (state.framework.size <= IDLE_FRAMEWORKS_MAX) return;
  const busy = busyFrameworks(state);
  for (const row of [...state.framework.values()]) {
    if (state.framework.size <= IDLE_FRAMEWORKS_MAX) break;
    if (!busy.has(row.id)) state.framework.delete(row.id);
  }
  assert(state.framework.size <= IDLE_FRAMEWORKS_MAX + busy.size, "idle frameworks are bounded");
}
