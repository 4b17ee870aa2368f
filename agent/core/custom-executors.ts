/**
 * The life of a custom executor: a program of its framework, in a container of its own, which
 * subscribes to the agent's executor API and is given tasks (http-semantics 7, 17.1).
 *
 *   NEW ──▶ [FETCHING ──▶] LAUNCHING ──▶ REGISTERING ──▶ SUBSCRIBED ──▶ TERMINATING ──▶ DESTROYING
 *                                             └──(registration timeout)───────────────────▲
 *   from wherever its process ends: EXITED, and its tasks have ended.
 *
 * 1. Its tasks wait until it subscribes, and end with it at the latest. 2. Its stream may break
 * and come back at any time: only the process's end is the executor's. 3. An executor whose
 * framework is gone is forsaken: it stays until its container is gone, and nobody hears of it.
 */
import { assert, unreachable } from "../../worker/std/assert.ts";
import type {
  ContainerId,
  ContainerTermination,
  RecoveredContainer,
} from "../containerizer/containerizer.ts";
import type { Launch } from "./effect.ts";
import { executorUpdated, handOver, liveRunsOf, resumeEntrusted } from "./entrusted-runs.ts";
import { closeStream, shutdownEvent, subscribedEvent, tellExecutor } from "./executor-events.ts";
import { executorGraceMs, executorLaunch, executorLimits } from "./executor-task.ts";
import type { ExecutorInput } from "./input.ts";
import { EXECUTOR_MESSAGES_BYTES } from "./limits.ts";
import { hasToFetch } from "./mesos-image.ts";
import type { ExecutorEndCause, ExecutorProcess, ExecutorRow } from "./rows.ts";
import { finish } from "./runs.ts";
import type { AgentState, StepContext } from "./state.ts";
import { executorEndStatus, launchFailedStatus, lostState } from "./status.ts";
import { decodeStored } from "./stored.ts";

/** One that has not ended. */
export type CustomExecutorRow = ExecutorRow & { readonly process: ExecutorProcess };

/** The custom executor with this container; undefined: there is none that has not ended. */
export function customExecutor(
  state: AgentState,
  containerId: ContainerId,
): CustomExecutorRow | undefined {
  const row = state.executor.get(containerId);
  return row !== undefined && isCustom(row) ? row : undefined;
}

export function customExecutors(state: AgentState): readonly CustomExecutorRow[] {
  return [...state.executor.values()].filter(isCustom);
}

function isCustom(row: ExecutorRow): row is CustomExecutorRow {
  return row.process !== undefined && row.stage === "RUNNING";
}

/** Whether the containerizer is to be asked about it. */
export function executorMayHaveContainer({ process }: CustomExecutorRow): boolean {
  return process.state !== "NEW" && process.state !== "FETCHING";
}

/** It takes no task any more. */
export function isEnding({ process }: ExecutorRow): boolean {
  return process !== undefined && "cause" in process;
}

export function executorFetched(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
): void {
  if (row.process.state !== "FETCHING") return;
  context.effects.push({ type: "LAUNCH", ...launchOf(state, row) });
  put(state, row, { state: "LAUNCHING" });
}

export function executorStarted(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  pid: number,
): void {
  const { containerId, process } = row;
  if (process.state === "LAUNCH_CANCELLED") {
    destroy(state, context, { ...row, pid }, process.cause);
  } else if (process.state === "LAUNCHING") {
    const registerByMs = context.nowMs + state.facts.executorTimes.registrationMs;
    put(state, { ...row, pid }, { state: "REGISTERING", registerByMs });
    state.executorsToCheck.add(containerId);
  } else if (row.pid === undefined) {
    // It was quicker to subscribe than the containerizer to say that it is there.
    state.executor.put({ ...row, pid });
  }
}

export function executorLaunchFailed(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  why: string,
): void {
  for (const run of liveRunsOf(state, row.containerId)) {
    finish(state, context, run, launchFailedStatus(why));
  }
  exit(state, context, row, undefined);
}

/** Its process has ended, and with it what it had not said of its tasks. */
export function executorEnded(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  termination: ContainerTermination,
): void {
  for (const run of liveRunsOf(state, row.containerId)) {
    finish(state, context, run, executorEndStatus(state, run, row, termination));
  }
  exit(state, context, row, "waitStatus" in termination ? termination.waitStatus : undefined);
}

function exit(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  exitStatus: number | undefined,
): void {
  const { containerId } = row;
  closeStream(state, context, containerId);
  context.effects.push({ type: "REMOVE", containerId });
  forgetVolatile(state, containerId);
  if (row.isForsaken === true) {
    state.executor.delete(containerId);
    return;
  }
  state.executor.put({
    ...row,
    stage: "EXITED",
    ...(exitStatus !== undefined && { exitStatus }),
  });
}

function forgetVolatile(state: AgentState, containerId: ContainerId): void {
  state.runTimers.delete(containerId);
  state.executorReturns.delete(containerId);
  state.executorLimits.delete(containerId);
}

export function executorSubscribed(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  { connection, taskIds, updates }: ExecutorInput & { readonly type: "EXECUTOR_SUBSCRIBED" },
): void {
  const { containerId, process } = row;
  closeStream(state, context, containerId);
  state.executorStreams.set(containerId, connection);
  if (row.isForsaken === true || isEnding(row)) {
    tellExecutor(state, context, containerId, shutdownEvent);
    closeStream(state, context, containerId);
    return;
  }
  state.executorReturns.delete(containerId);
  state.runTimers.delete(containerId);
  tellExecutor(state, context, containerId, subscribedEvent(state, row));
  for (const status of updates) executorUpdated(state, context, containerId, status);
  resumeEntrusted(state, context, row, taskIds);
  const isTried = process.state === "SUBSCRIBED" && process.isTried;
  put(state, row, { state: "SUBSCRIBED", isTried });
  const isNeeded = isTried || liveRunsOf(state, containerId).length > 0;
  if (isNeeded) state.executorsToCheck.add(containerId);
  else shutDownExecutor(state, context, containerId, "ASKED");
}

export function executorDisconnected(
  state: AgentState,
  { containerId, connection }: { readonly containerId: ContainerId; readonly connection: number },
): void {
  if (state.executorStreams.get(containerId) !== connection) return;
  state.executorStreams.delete(containerId);
}

/** A word to its framework: best effort, as in Mesos. */
export function executorSays(
  state: AgentState,
  { frameworkId, executorId }: CustomExecutorRow,
  data: Uint8Array,
): void {
  const ids = { framework_id: { value: frameworkId }, executor_id: { value: executorId } };
  const messages = [...state.executorMessages, { ...ids, data }];
  let bytes = messages.reduce((sum, message) => sum + message.data.length, 0);
  state.executorTraffic.messagesPassed++;
  while (bytes > EXECUTOR_MESSAGES_BYTES) {
    bytes -= messages.shift()?.data.length ?? 0;
    state.executorTraffic.messagesPassed--;
    state.executorTraffic.messagesDropped++;
  }
  state.executorMessages = messages;
}

/** Tells it to end, and sees to it that it does. One that ends already gets no more time. */
export function shutDownExecutor(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
  cause: ExecutorEndCause,
): void {
  const row = customExecutor(state, containerId);
  if (row === undefined) return;
  const { process } = row;
  switch (process.state) {
    case "NEW":
      exit(state, context, row, undefined);
      return;
    case "FETCHING":
      context.effects.push({ type: "CANCEL_FETCH", containerId });
      exit(state, context, { ...row, process: { state: "LAUNCH_CANCELLED", cause } }, undefined);
      return;
    case "LAUNCHING":
      put(state, row, { state: "LAUNCH_CANCELLED", cause });
      // An image may still be on its way.
      if (row.info.includes("DOCKER")) context.effects.push({ type: "DESTROY", containerId });
      return;
    case "REGISTERING":
    case "SUBSCRIBED":
      terminate(state, context, row, cause);
      return;
    case "LAUNCH_CANCELLED":
    case "TERMINATING":
    case "DESTROYING":
      return;
    default:
      unreachable(process);
  }
}

function terminate(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  cause: ExecutorEndCause,
): void {
  if (cause === "PARENT_ENDED") {
    destroy(state, context, row, cause);
    return;
  }
  const { containerId } = row;
  const info = decodeStored("mesos.v1.ExecutorInfo", row.info);
  const destroyAtMs = context.nowMs + executorGraceMs(info, state.facts.executorTimes);
  tellExecutor(state, context, containerId, shutdownEvent);
  put(state, row, { state: "TERMINATING", cause, destroyAtMs });
  state.runTimers.set(containerId, destroyAtMs);
}

/** Its framework is gone. */
export function forsakeExecutor(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
): void {
  state.executor.put({ ...row, isForsaken: true });
  shutDownExecutor(state, context, row.containerId, "FRAMEWORK_SHUTDOWN");
}

/** What is due of it, or has become possible. */
export function tendExecutor(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
): void {
  const { containerId, process } = row;
  switch (process.state) {
    case "NEW":
      begin(state, context, row);
      return;
    case "REGISTERING":
      if (process.registerByMs <= context.nowMs) {
        destroy(state, context, row, "REGISTRATION_TIMEOUT");
      } else {
        state.runTimers.set(containerId, process.registerByMs);
        setLimits(state, context, row);
      }
      return;
    case "SUBSCRIBED":
      tendSubscribed(state, context, row);
      return;
    case "TERMINATING":
      if (process.destroyAtMs <= context.nowMs) destroy(state, context, row, process.cause);
      else state.runTimers.set(containerId, process.destroyAtMs);
      return;
    case "FETCHING":
    case "LAUNCHING":
    case "LAUNCH_CANCELLED":
    case "DESTROYING":
      return;
    default:
      unreachable(process);
  }
}

function tendSubscribed(state: AgentState, context: StepContext, row: CustomExecutorRow): void {
  const { containerId } = row;
  const returnMs = state.executorReturns.get(containerId);
  if (returnMs !== undefined && returnMs <= context.nowMs) {
    destroy(state, context, row, "REREGISTRATION_TIMEOUT");
    return;
  }
  if (returnMs !== undefined) state.runTimers.set(containerId, returnMs);
  setLimits(state, context, row);
  if (handOver(state, context, row)) put(state, row, { state: "SUBSCRIBED", isTried: true });
}

/** One whose tasks were all dropped or refused is not started: its exit is told at once. */
function begin(state: AgentState, context: StepContext, row: CustomExecutorRow): void {
  if (liveRunsOf(state, row.containerId).length === 0) {
    exit(state, context, row, undefined);
    return;
  }
  const launch = launchOf(state, row);
  const fetches = hasToFetch(launch.task);
  put(state, row, { state: fetches ? "FETCHING" : "LAUNCHING" });
  context.effects.push({ type: fetches ? "FETCH" : "LAUNCH", ...launch });
}

function launchOf(state: AgentState, row: CustomExecutorRow): Launch {
  const framework = state.framework.get(row.frameworkId);
  assert(framework !== undefined, "an executor's framework is known while somebody wants it");
  const info = decodeStored("mesos.v1.FrameworkInfo", framework.info);
  const runs = liveRunsOf(state, row.containerId);
  const launch = executorLaunch(row, info, { runs, times: state.facts.executorTimes });
  state.executorLimits.set(row.containerId, JSON.stringify(executorLimits(row, runs)));
  return launch;
}

/** As its tasks come and go. */
function setLimits(state: AgentState, context: StepContext, row: CustomExecutorRow): void {
  const { containerId } = row;
  const limits = executorLimits(row, liveRunsOf(state, containerId));
  const text = JSON.stringify(limits);
  if (state.executorLimits.get(containerId) === text) return;
  state.executorLimits.set(containerId, text);
  context.effects.push({ type: "UPDATE_LIMITS", containerId, limits });
}

function destroy(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  cause: ExecutorEndCause,
): void {
  state.runTimers.delete(row.containerId);
  put(state, row, { state: "DESTROYING", cause });
  context.effects.push({ type: "DESTROY", containerId: row.containerId });
}

function put(state: AgentState, row: ExecutorRow, process: ExecutorProcess): void {
  state.executor.put({ ...row, process });
}

/** After a restart: what its process did meanwhile, and what the last life was about to do. */
export function recoverExecutor(
  state: AgentState,
  context: StepContext,
  row: CustomExecutorRow,
  found: RecoveredContainer | undefined,
): void {
  const { containerId, process } = row;
  if (process.state === "NEW" || process.state === "FETCHING") {
    begin(state, context, row);
    return;
  }
  if (found?.state !== "RUNNING") {
    const message = "the containerizer has no trace of it";
    const termination = found?.termination ?? { kind: "LOST", message };
    if (process.state === "LAUNCHING") dropQueued(state, context, row, termination);
    executorEnded(state, context, row, termination);
    return;
  }
  const returnMs = context.nowMs + state.facts.executorTimes.reregistrationMs;
  switch (process.state) {
    case "LAUNCHING":
    case "LAUNCH_CANCELLED":
      executorStarted(state, context, row, found.pid);
      return;
    case "REGISTERING":
      put(state, row, { ...process, registerByMs: Math.max(process.registerByMs, returnMs) });
      break;
    case "SUBSCRIBED":
      state.executorReturns.set(containerId, returnMs);
      break;
    case "TERMINATING":
      break;
    case "DESTROYING":
      context.effects.push({ type: "DESTROY", containerId });
      return;
    default:
      unreachable(process);
  }
  state.executorsToCheck.add(containerId);
}

/** What never ran is safe to launch again, and so the framework is told. */
function dropQueued(
  state: AgentState,
  context: StepContext,
  { containerId }: CustomExecutorRow,
  termination: ContainerTermination,
): void {
  if (termination.kind !== "NOT_STARTED" && termination.kind !== "LOST") return;
  for (const run of liveRunsOf(state, containerId)) {
    finish(state, context, run, {
      state: lostState(state, run.frameworkId, "TASK_DROPPED"),
      source: "SOURCE_AGENT",
      reason: "REASON_AGENT_RESTARTED",
      message: `The agent restarted before it had launched the executor: ${termination.message}`,
    });
  }
}
