/**
 * The life of a run: launched, started, killed, ended, acknowledged.
 *
 *   [FETCHING ──▶] LAUNCHING ──▶ RUNNING ──▶ KILLING ──▶ DESTROYING
 *       │             │             └────────────┴────────────┴──▶ ENDED ──(acknowledged)──▶
 * completed
 *       └─────────────┴──▶ LAUNCH_CANCELLED ────────────────────────┘
 *
 * A run whose framework is gone skips ENDED: nobody would acknowledge its end.
 */
import type { FrameworkId, TaskId } from "../../worker/protocol/ids.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { assert, unreachable } from "../../worker/std/assert.ts";
import type {
  ContainerId,
  ContainerTermination,
  Launched,
} from "../containerizer/containerizer.ts";
import { startChecks, stopChecks } from "./checks.ts";
import { complete } from "./completed.ts";
import type { Launch } from "./effect.ts";
import { killEntrusted } from "./entrusted-runs.ts";
import { milliseconds, taskGraceMs } from "./grace.ts";
import { hasToFetch, mayWaitForImage } from "./mesos-image.ts";
import { isOfRun, type KillCause, type RunKey, type RunRow, type RunStage } from "./rows.ts";
import type { AgentState, StepContext } from "./state.ts";
import {
  aliveStatus,
  cancelledStatus,
  endStatus,
  hasCapability,
  launchFailedStatus,
  runningStatus,
  type StatusFacts,
  startingStatus,
  whileDraining,
} from "./status.ts";
import { decodeStored } from "./stored.ts";
import { addUpdate } from "./updates.ts";

/** This very run; not one that was abandoned with its framework. */
export function runOf(state: AgentState, key: RunKey): RunRow | undefined {
  for (const run of state.run.values()) if (isOfRun(run, key) && !isAbandoned(run)) return run;
  return undefined;
}

/** The run of this task that has not ended; not one that was abandoned with its framework. */
export function liveRunOf(
  state: AgentState,
  frameworkId: FrameworkId,
  taskId: TaskId,
): RunRow | undefined {
  for (const run of state.run.values()) {
    if (
      run.taskId === taskId &&
      run.frameworkId === frameworkId &&
      isLive(run) &&
      !isAbandoned(run)
    )
      return run;
  }
  return undefined;
}

/** Whether a container of it exists or may come to exist. */
export function isLive(run: RunRow): boolean {
  return run.stage.state !== "ENDED";
}

/** Whether the containerizer is to be asked about it. */
export function mayHaveContainer(run: RunRow): boolean {
  return isLive(run) && run.stage.state !== "FETCHING" && run.entrustedBy === undefined;
}

/** Its framework is gone; only the container is left to end. */
export function isAbandoned(run: RunRow): boolean {
  return killCause(run.stage) === "FRAMEWORK_SHUTDOWN";
}

/** Sets to work on a run that is new, or that the last process was fetching for. */
export function beginLaunch(state: AgentState, context: StepContext, run: RunRow): void {
  if (run.entrustedBy !== undefined) {
    // Handed over at the end of this step, if its executor is there.
    state.run.put({ ...run, stage: { state: "QUEUED" } });
    return;
  }
  const launch = launchOf(state, run);
  const fetches = hasToFetch(launch.task);
  const stage: RunStage = { state: fetches ? "FETCHING" : "LAUNCHING" };
  state.run.put({ ...run, stage });
  context.effects.push({ type: fetches ? "FETCH" : "LAUNCH", ...launch });
}

export function fetched(state: AgentState, context: StepContext, containerId: ContainerId): void {
  const run = state.run.get(containerId);
  if (run?.stage.state !== "FETCHING") return;
  state.run.put({ ...run, stage: { state: "LAUNCHING" } });
  context.effects.push({ type: "LAUNCH", ...launchOf(state, run) });
}

export function launchOf(
  state: AgentState,
  { containerId, frameworkId, parentId, info }: RunRow,
): Launch {
  const framework = state.framework.get(frameworkId);
  assert(framework !== undefined, "a run's framework is known while somebody wants the run");
  const executor = parentId === undefined ? undefined : state.executor.get(parentId);
  assert((parentId === undefined) === (executor === undefined), "a group's run has its executor");
  const launch = {
    containerId,
    task: decodeStored("mesos.v1.TaskInfo", info),
    framework: decodeStored("mesos.v1.FrameworkInfo", framework.info),
  };
  if (executor === undefined) return launch;
  const executorInfo = decodeStored("mesos.v1.ExecutorInfo", executor.info);
  return { ...launch, executor: { containerId: executor.containerId, info: executorInfo } };
}

export function containerStarted(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
  { pid, ipAddresses = [], data }: Launched,
): void {
  const run = state.run.get(containerId);
  if (run === undefined) return;
  if (run.stage.state === "LAUNCH_CANCELLED") {
    context.effects.push({ type: "DESTROY", containerId });
  } else if (run.stage.state === "LAUNCHING") {
    const known = {
      ...(pid > 0 && { pid }),
      ...(ipAddresses.length > 0 && { ipAddresses }),
    };
    reportStarted(state, context, { ...run, ...known }, data);
  }
}

export function launchFailed(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
  why: string,
): void {
  const run = state.run.get(containerId);
  if (run === undefined || !isLive(run)) return;
  const cause = killCause(run.stage);
  finish(
    state,
    context,
    run,
    cause === undefined ? launchFailedStatus(why) : cancelledStatus(cause),
  );
}

export function containerEnded(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
  termination: ContainerTermination,
): void {
  let run = state.run.get(containerId);
  if (run === undefined || !isLive(run)) return;
  const { stage } = run;
  if (stage.state === "LAUNCH_CANCELLED") {
    finish(state, context, run, cancelledStatus(stage.cause));
    return;
  }
  // The last agent process ended between the start and its checkpoint: the framework is told all of
  // it.
  if (stage.state === "LAUNCHING" && termination.kind !== "NOT_STARTED") {
    run = reportStarted(state, context, run);
  }
  finish(state, context, run, endStatus(state, run, termination, killCause(stage)));
}

/** Ends a run that has no container, or none any more. */
export function finish(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  facts: StatusFacts,
): void {
  state.runTimers.delete(run.containerId);
  stopChecks(state, context, run.containerId);
  if (run.entrustedBy === undefined) {
    context.effects.push({ type: "REMOVE", containerId: run.containerId });
  }
  if (isAbandoned(run)) {
    complete(state, run, context.nowMs);
    return;
  }
  const status = tell(state, context, run, facts);
  state.run.put({ ...told(run, status), stage: { state: "ENDED", endedMs: context.nowMs } });
  if (run.parentId === undefined) return;
  state.executorsToCheck.add(run.parentId);
  // Of the tasks of its own a custom executor takes care itself.
  const isOurs = run.entrustedBy === undefined;
  if (isOurs && facts.state !== "TASK_FINISHED") endGroup(state, context, run);
}

/** A task that failed or was killed takes the rest of its group along. */
function endGroup(state: AgentState, context: StepContext, ended: RunRow): void {
  for (const { containerId, parentId, runNumber } of [...state.run.values()]) {
    if (parentId !== ended.parentId || runNumber !== ended.runNumber) continue;
    // Another one's end may have ended it meanwhile.
    const run = state.run.get(containerId);
    if (run === undefined || isAbandoned(run)) continue;
    const kill: Kill = { cause: "KILLED", graceMs: undefined, defaultGraceMs: taskGraceMs(run) };
    killRun(state, context, run, kill);
  }
}

/**
 * `graceMs`: undefined = nobody said; then `defaultGraceMs` holds for the first kill and a later
 * one changes nothing.
 */
export interface Kill {
  readonly cause: KillCause;
  readonly graceMs: number | undefined;
  readonly defaultGraceMs: number;
}

/** Starts to end a run, or hastens an end that was started. A run that has ended is left alone. */
export function killRun(
  state: AgentState,
  context: StepContext,
  { containerId }: RunRow,
  kill: Kill,
): void {
  // As it is now: who ends several may have ended this one with another of its group.
  const run = state.run.get(containerId);
  if (run === undefined) return;
  const { stage } = run;
  switch (stage.state) {
    case "FETCHING":
    case "LAUNCHING":
      cancelLaunch(state, context, run, kill.cause);
      return;
    case "RUNNING":
      startKilling(state, context, { ...run, stage }, kill);
      return;
    case "KILLING": {
      const cause = strongerCause(stage.cause, kill.cause);
      const endsMs = kill.graceMs === undefined ? Infinity : stage.termMs + kill.graceMs;
      const graceEndsMs = Math.min(stage.graceEndsMs, endsMs);
      if (cause === stage.cause && graceEndsMs === stage.graceEndsMs) return;
      state.run.put({ ...run, stage: { ...stage, cause, graceEndsMs } });
      state.runTimers.set(run.containerId, graceEndsMs);
      return;
    }
    case "LAUNCH_CANCELLED":
    case "DESTROYING": {
      const cause = strongerCause(stage.cause, kill.cause);
      if (cause !== stage.cause) state.run.put({ ...run, stage: { ...stage, cause } });
      return;
    }
    case "QUEUED":
    case "ENTRUSTED":
      killEntrusted(state, context, run, kill);
      return;
    case "ENDED":
      return;
    default:
      unreachable(stage);
  }
}

/**
 * A container that is being started has to be waited for, but not an image that is on its way; what
 * is being fetched has none.
 */
function cancelLaunch(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  cause: KillCause,
): void {
  const cancelled: RunRow = { ...run, stage: { state: "LAUNCH_CANCELLED", cause } };
  if (run.stage.state !== "FETCHING") {
    state.run.put(cancelled);
    if (mayWaitForImage(run))
      context.effects.push({ type: "DESTROY", containerId: run.containerId });
    return;
  }
  context.effects.push({ type: "CANCEL_FETCH", containerId: run.containerId });
  finish(state, context, cancelled, cancelledStatus(cause));
}

/** Runs whose grace or completion time is over. */
export function endOverdueRuns(state: AgentState, context: StepContext): void {
  for (;;) {
    const containerId = state.runTimers.takeDue(context.nowMs);
    if (containerId === undefined) return;
    const run = state.run.get(containerId);
    if (run === undefined) {
      state.executorsToCheck.add(containerId);
    } else if (run.stage.state === "RUNNING") {
      const kill: Kill = { cause: "MAX_COMPLETION_TIME", graceMs: 0, defaultGraceMs: 0 };
      killRun(state, context, run, kill);
    } else if (run.stage.state === "KILLING") {
      destroy(state, context, run, run.stage);
    }
  }
}

/** Sets the timer that the stage of `run` needs, after a restart or a change. */
export function scheduleRun(state: AgentState, run: RunRow): void {
  const { stage } = run;
  if (stage.state === "KILLING") state.runTimers.set(run.containerId, stage.graceEndsMs);
  if (stage.state !== "RUNNING") return;
  const { max_completion_time } = decodeStored("mesos.v1.TaskInfo", run.info);
  const limitMs = milliseconds(max_completion_time);
  if (limitMs === undefined) return;
  state.runTimers.set(run.containerId, stage.startedMs + limitMs);
}

function reportStarted(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  data?: Uint8Array,
): RunRow {
  const starting = told(run, addUpdate(state, context, run, startingStatus(state, run)));
  const status = addUpdate(state, context, run, runningStatus(state, run, data));
  const stage: RunStage = { state: "RUNNING", startedMs: context.nowMs };
  const running = state.run.put({ ...told(starting, status), stage });
  scheduleRun(state, running);
  startChecks(state, context, running);
  return running;
}

type RunningRow = RunRow & { readonly stage: RunStage & { readonly state: "RUNNING" } };

function startKilling(state: AgentState, context: StepContext, run: RunningRow, kill: Kill): void {
  const { cause } = kill;
  stopChecks(state, context, run.containerId);
  const asked = ["KILLED", "MAX_COMPLETION_TIME", "UNHEALTHY"].includes(cause);
  const isTold = asked && hasCapability(state, run.frameworkId, "TASK_KILLING_STATE");
  const before = isTold
    ? told(run, tell(state, context, run, aliveStatus(state, run, "TASK_KILLING")))
    : run;
  const graceMs = kill.graceMs ?? kill.defaultGraceMs;
  const stage = {
    state: "KILLING",
    cause,
    startedMs: run.stage.startedMs,
    termMs: context.nowMs,
    graceEndsMs: context.nowMs + graceMs,
  } as const;
  const killing: RunRow = { ...before, stage };
  if (graceMs <= 0) {
    destroy(state, context, killing, stage);
    return;
  }
  state.run.put(killing);
  state.runTimers.set(run.containerId, stage.graceEndsMs);
  context.effects.push({ type: "TERMINATE", containerId: run.containerId });
}

function tell(state: AgentState, context: StepContext, run: RunRow, facts: StatusFacts): string {
  return addUpdate(state, context, run, whileDraining(state, run, facts));
}

/** The run with a status that was made of it. */
function told(run: RunRow, status: string): RunRow {
  if (run.status === undefined) return { ...run, status };
  return { ...run, status, earlierStatuses: [...(run.earlierStatuses ?? []), run.status] };
}

/** The same where the state may be the one of before: then the last status is kept. */
export function toldAgain(run: RunRow, status: string): RunRow {
  const isAgain = run.status !== undefined && stateIn(run.status) === stateIn(status);
  return isAgain ? { ...run, status } : told(run, status);
}

function stateIn(status: string): mesos.TaskState {
  return decodeStored("mesos.v1.TaskStatus", status).state;
}

function destroy(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  { cause, startedMs }: RunStage & { readonly state: "KILLING" },
): void {
  state.runTimers.delete(run.containerId);
  state.run.put({ ...run, stage: { state: "DESTROYING", cause, startedMs } });
  context.effects.push({ type: "DESTROY", containerId: run.containerId });
}

/**
 * A framework that goes while its task is being killed silences the task's end; nothing else
 * changes a cause.
 */
export function strongerCause(held: KillCause, next: KillCause): KillCause {
  return next === "FRAMEWORK_SHUTDOWN" ? next : held;
}

function killCause(stage: RunStage): KillCause | undefined {
  switch (stage.state) {
    case "FETCHING":
    case "LAUNCHING":
    case "RUNNING":
    case "QUEUED":
    case "ENDED":
      return undefined;
    case "ENTRUSTED":
      return stage.kill?.cause;
    case "LAUNCH_CANCELLED":
    case "KILLING":
    case "DESTROYING":
      return stage.cause;
    default:
      return unreachable(stage);
  }
}

/** Those of which something lives here that the master may be told of. */
export function busyFrameworks(state: AgentState): ReadonlySet<FrameworkId> {
  const runs = [...state.run.values()].filter((run) => !isAbandoned(run));
  const executors = [...state.executor.values()].filter(({ isForsaken }) => isForsaken !== true);
  return new Set([...runs, ...executors].map(({ frameworkId }) => frameworkId));
}
