/**
 * Executors: which run, and which have gone. Custom ones are programs (`custom-executors.ts`). Of
 * the built-in one of task groups (http-semantics 17.3) the agent runs the tasks itself, so it is
 * no process: it is a sandbox, a share of resources, and a life.
 *
 *   RUNNING ──(no container is left, and every end is 60 s old, or acknowledged 1 s ago)──▶ EXITED
 *   EXITED ──▶ told
 *
 * 1. An executor that RUNS is named at every registration. 2. Its exit is a row until the master
 * has answered a report with it.
 */
import type { ExecutorId, FrameworkId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { defined } from "../../worker/std/assert.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import { customExecutor, forsakeExecutor, tendExecutor } from "./custom-executors.ts";
import { EXECUTOR_ACKNOWLEDGEMENT_WAIT_MS, EXECUTOR_LINGER_MS } from "./limits.ts";
import type { ExecutorRow } from "./rows.ts";
import { type AgentState, newContainerId, newSeq, type StepContext } from "./state.ts";
import { decodeStored } from "./stored.ts";

/** The running executor of this id that is not forsaken; a new one if there is none. */
export function executorFor(
  state: AgentState,
  context: StepContext,
  { frameworkId, info }: { readonly frameworkId: FrameworkId; readonly info: mesos.ExecutorInfo },
): ExecutorRow {
  const executorId = info.executor_id.value as ExecutorId;
  for (const row of [...state.executor.values()]) {
    if (row.frameworkId !== frameworkId || row.executorId !== executorId) continue;
    if (row.isForsaken === true) continue;
    if (row.stage === "RUNNING") return row;
    // The master will not be told that an executor has gone that lives again.
    state.executor.delete(row.containerId);
  }
  const seq = newSeq(state);
  const containerId = newContainerId(context, seq);
  const isBuiltIn = info.type === "DEFAULT";
  state.executorsToCheck.add(containerId);
  return state.executor.put({
    seq,
    containerId,
    agentId: defined(state.agent.get("agent"), "commands come after registration").id,
    frameworkId,
    executorId,
    info: encodeJson("mesos.v1.ExecutorInfo", info),
    stage: "RUNNING",
    ...(!isBuiltIn && { process: { state: "NEW" } }),
  });
}

/** Looks what is due of executors, and which of them have nothing left to do. */
export function tendExecutors(state: AgentState, context: StepContext): void {
  const { nowMs } = context;
  for (const containerId of state.executorsToCheck) {
    const executor = state.executor.get(containerId);
    if (executor?.stage !== "RUNNING") continue;
    const custom = customExecutor(state, containerId);
    if (custom !== undefined) {
      tendExecutor(state, context, custom);
      continue;
    }
    const endMs = endOf(state, containerId, nowMs);
    if (endMs <= nowMs) {
      state.executorEnds.delete(containerId);
      state.executor.put({ ...executor, stage: "EXITED" });
    } else if (endMs < Number.POSITIVE_INFINITY) {
      state.runTimers.set(containerId, endMs);
    }
  }
  state.executorsToCheck.clear();
}

/** As things stand; infinite while a task of it lives. */
function endOf(state: AgentState, executor: ContainerId, nowMs: number): number {
  let endMs = Number.NEGATIVE_INFINITY;
  for (const run of state.run.values()) {
    if (run.parentId !== executor) continue;
    if (run.stage.state !== "ENDED") endMs = Number.POSITIVE_INFINITY;
    else endMs = Math.max(endMs, run.stage.endedMs + EXECUTOR_ACKNOWLEDGEMENT_WAIT_MS);
  }
  if (endMs > Number.NEGATIVE_INFINITY) {
    state.executorEnds.delete(executor);
    return endMs;
  }
  const lingersMs = state.executorEnds.get(executor) ?? nowMs + EXECUTOR_LINGER_MS;
  state.executorEnds.set(executor, lingersMs);
  return lingersMs;
}

/** Exits that the master has not been told of. */
export function exitedExecutors(state: AgentState): readonly ExecutorRow[] {
  return [...state.executor.values()].filter(({ stage }) => stage === "EXITED");
}

export function exitOf({ frameworkId, executorId, exitStatus }: ExecutorRow): link.ExecutorExit {
  const ids = { framework_id: { value: frameworkId }, executor_id: { value: executorId } };
  return { ...ids, status: exitStatus ?? 0 };
}

/** As the master learns of them at a registration. */
export function runningExecutors(state: AgentState): readonly link.AgentExecutor[] {
  return [...state.executor.values()].flatMap(({ stage, isForsaken, frameworkId, info }) => {
    const executor = decodeStored("mesos.v1.ExecutorInfo", info);
    const isShown = stage === "RUNNING" && isForsaken !== true;
    return isShown ? [{ framework_id: { value: frameworkId }, executor }] : [];
  });
}

/** Those of a framework that is gone, or all: nobody wants to hear of them. */
export function forgetExecutors(
  state: AgentState,
  context: StepContext,
  frameworkId?: FrameworkId,
): void {
  for (const row of [...state.executor.values()]) {
    if (frameworkId !== undefined && row.frameworkId !== frameworkId) continue;
    const custom = customExecutor(state, row.containerId);
    if (custom !== undefined) {
      forsakeExecutor(state, context, custom);
      continue;
    }
    state.executor.delete(row.containerId);
    state.executorEnds.delete(row.containerId);
    state.runTimers.delete(row.containerId);
  }
}
