/**
 * The runs of custom executors. The agent hands them over, passes kills and updates on, and says
 * how they ended when their executor does not.
 *
 *   QUEUED ──(its executor is there)──▶ ENTRUSTED ──(terminal update, executor's end)──▶ ENDED
 *
 * 1. The agent never says more of an entrusted run than its executor did, but that it ended. 2. An
 * update is acknowledged to the executor when it is on disk, however often it comes.
 */
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { defined } from "../../worker/std/assert.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import { complete } from "./completed.ts";
import {
  acknowledgedEvent,
  killEvent,
  launchEvent,
  launchGroupEvent,
  tellExecutor,
} from "./executor-events.ts";
import { RECEIVED_UUIDS_MAX } from "./limits.ts";
import { type AskedKill, type ExecutorRow, isOfRun, type RunRow, type RunStage } from "./rows.ts";
import { finish, isAbandoned, isLive, type Kill, strongerCause, toldAgain } from "./runs.ts";
import type { AgentState, StepContext } from "./state.ts";
import { cancelledStatus, entrustedStatus, lostState, whileDraining } from "./status.ts";
import { putUpdate } from "./updates.ts";

/** Those of a custom executor that have not ended, oldest first. */
export function liveRunsOf(state: AgentState, executor: ContainerId): readonly RunRow[] {
  return [...state.run.values()].filter((run) => run.parentId === executor && isLive(run));
}

/** Hands over what waits for an executor that has a stream open; whether there was something. */
export function handOver(state: AgentState, context: StepContext, row: ExecutorRow): boolean {
  const { containerId } = row;
  if (!state.executorStreams.has(containerId)) return false;
  const queued = liveRunsOf(state, containerId).filter(({ stage }) => stage.state === "QUEUED");
  const groups = new Set<string>();
  for (const run of queued) {
    state.run.put({ ...run, stage: { state: "ENTRUSTED" } });
    if (run.entrustedBy === "LAUNCH") {
      tellExecutor(state, context, containerId, launchEvent(run));
    } else if (!groups.has(run.runNumber)) {
      groups.add(run.runNumber);
      const group = queued.filter(({ runNumber }) => runNumber === run.runNumber);
      tellExecutor(state, context, containerId, launchGroupEvent(row, group));
    }
  }
  return queued.length > 0;
}

/**
 * What the executor knows when it subscribes: what it never got is dropped, what it was to kill is
 * asked again. `taskIds`: what it got and has not told anything of that was acknowledged.
 */
export function resumeEntrusted(
  state: AgentState,
  context: StepContext,
  { containerId }: ExecutorRow,
  taskIds: readonly string[],
): void {
  for (const run of liveRunsOf(state, containerId)) {
    if (run.stage.state !== "ENTRUSTED" || isAbandoned(run)) continue;
    const { kill } = run.stage;
    if (run.status === undefined && !taskIds.includes(run.taskId)) {
      finish(state, context, run, {
        state: lostState(state, run.frameworkId, "TASK_DROPPED"),
        source: "SOURCE_AGENT",
        reason: "REASON_AGENT_RESTARTED",
        message: "The task was on its way to its executor when their connection broke",
      });
    } else if (kill !== undefined) {
      tellExecutor(state, context, containerId, killEvent(run.taskId, kill));
    }
  }
}

/** Passes a kill on; what its executor has not got yet ends here, with the rest of its group. */
export function killEntrusted(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  { cause, graceMs }: Kill,
): void {
  const { stage, parentId } = run;
  if (stage.state === "ENTRUSTED") {
    const asked = askedKill(stage.kill, { cause, graceMs });
    state.run.put({ ...run, stage: { state: "ENTRUSTED", kill: asked } });
    // For the other causes the executor is told to end as a whole.
    if (cause !== "KILLED" || parentId === undefined) return;
    tellExecutor(state, context, parentId, killEvent(run.taskId, asked));
    return;
  }
  if (stage.state !== "QUEUED") return;
  for (const one of [...state.run.values()]) {
    const isOfGroup = one.parentId === parentId && one.runNumber === run.runNumber;
    if (!isOfGroup || one.stage.state !== "QUEUED") continue;
    const cancelled: RunStage = { state: "ENTRUSTED", kill: { cause } };
    finish(state, context, { ...one, stage: cancelled }, cancelledStatus(cause));
  }
}

/** A kill that says nothing of its grace leaves that of the one before. */
function askedKill(
  before: AskedKill | undefined,
  { cause, graceMs = before?.graceMs }: Pick<Kill, "cause" | "graceMs">,
): AskedKill {
  return {
    cause: before === undefined ? cause : strongerCause(before.cause, cause),
    ...(graceMs !== undefined && { graceMs }),
  };
}

/** An update of a custom executor. One that has no business with the task is dropped. */
export function executorUpdated(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
  status: mesos.TaskStatus,
): void {
  const uuid = encodeBase64(defined(status.uuid, "an executor's update has a uuid"));
  const run = runOfUpdate(state, containerId, status.task_id.value);
  // It has not got this task; or the uuid of another task's update would take its place.
  const isNew = run !== undefined && !isKnown(state, run, uuid);
  if (run?.stage.state === "QUEUED" || (isNew && state.update.has(uuid))) {
    state.executorTraffic.updatesDropped++;
    return;
  }
  if (run === undefined) state.executorTraffic.updatesDropped++;
  if (isNew) {
    if (isAbandoned(run)) {
      if (isTerminal(status.state)) complete(state, run, context.nowMs);
    } else if (isLive(run)) {
      takeStatus(state, context, { run, uuid, status });
    }
  }
  tellExecutor(state, context, containerId, acknowledgedEvent(status.task_id.value, uuid));
}

/** The run that lives; else the last that ended. */
function runOfUpdate(state: AgentState, executor: ContainerId, taskId: string): RunRow | undefined {
  const runs = [...state.run.values()].filter(
    (run) => run.parentId === executor && run.taskId === taskId,
  );
  return runs.find(isLive) ?? runs.at(-1);
}

function isKnown(state: AgentState, run: RunRow, uuid: string): boolean {
  if (run.receivedUuids?.includes(uuid) === true) return true;
  const update = state.update.get(uuid);
  return update !== undefined && isOfRun(update, run);
}

function takeStatus(
  state: AgentState,
  context: StepContext,
  update: { readonly run: RunRow; readonly uuid: string; readonly status: mesos.TaskStatus },
): void {
  const { run, uuid, status } = update;
  const whole = whileDraining(state, run, entrustedStatus(state, run, status));
  const timestamp = status.timestamp ?? context.wallMs / 1000;
  const text = putUpdate(state, context, run, { ...whole, timestamp });
  const received = [...(run.receivedUuids ?? []), uuid].slice(-RECEIVED_UUIDS_MAX);
  const next: RunRow = { ...toldAgain(run, text), receivedUuids: received };
  if (!isTerminal(whole.state)) {
    state.run.put(next);
    return;
  }
  state.run.put({ ...next, stage: { state: "ENDED", endedMs: context.nowMs } });
  if (run.parentId !== undefined) state.executorsToCheck.add(run.parentId);
}
