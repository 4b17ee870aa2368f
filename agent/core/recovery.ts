/**
 * The first step of a life: what the work directory says and what the containerizer found are
 * brought together. A crash between any two effects of the last life ends here.
 */
import { unreachable } from "../../worker/std/assert.ts";
import type {
  ContainerRecord,
  ContainerTermination,
  Launched,
  RecoveredContainer,
} from "../containerizer/containerizer.ts";
import { startChecks } from "./checks.ts";
import { customExecutors, executorMayHaveContainer, recoverExecutor } from "./custom-executors.ts";
import type { RunRow } from "./rows.ts";
import {
  beginLaunch,
  containerEnded,
  containerStarted,
  finish,
  isLive,
  mayHaveContainer,
  scheduleRun,
} from "./runs.ts";
import type { AgentState, StepContext } from "./state.ts";
import { lostState } from "./status.ts";

/** Whom the containerizer is to be asked about: runs, and custom executors. */
export function containersToRecover(state: AgentState): readonly ContainerRecord[] {
  const executors = customExecutors(state).filter(executorMayHaveContainer);
  return [...executors, ...[...state.run.values()].filter(mayHaveContainer)];
}

/** `containers`: one entry for each of `containersToRecover`. */
export function recover(
  state: AgentState,
  context: StepContext,
  containers: readonly RecoveredContainer[],
): void {
  const found = new Map(containers.map((container) => [container.containerId, container]));
  for (const executor of customExecutors(state)) {
    recoverExecutor(state, context, executor, found.get(executor.containerId));
  }
  for (const { containerId } of [...state.run.values()]) {
    // The end of another task of its group may have changed it in this very loop.
    const run = state.run.get(containerId);
    if (run === undefined || !isLive(run) || run.entrustedBy !== undefined) continue;
    if (run.stage.state === "FETCHING") {
      beginLaunch(state, context, run);
      continue;
    }
    const container = found.get(containerId);
    if (container?.state === "RUNNING") resume(state, context, run, container);
    else recoverEnded(state, context, run, container?.termination);
  }
}

/**
 * What the last life was about to do to a container is done again: TERMINATE and DESTROY may have
 * been lost.
 */
function resume(state: AgentState, context: StepContext, run: RunRow, launched: Launched): void {
  const { containerId, stage } = run;
  switch (stage.state) {
    case "LAUNCHING":
    case "LAUNCH_CANCELLED":
      containerStarted(state, context, containerId, launched);
      return;
    case "RUNNING":
      scheduleRun(state, run);
      startChecks(state, context, run);
      return;
    case "KILLING":
      scheduleRun(state, run);
      context.effects.push({ type: "TERMINATE", containerId });
      return;
    case "DESTROYING":
      context.effects.push({ type: "DESTROY", containerId });
      return;
    case "FETCHING":
    case "QUEUED":
    case "ENTRUSTED":
    case "ENDED":
      return;
    default:
      unreachable(stage);
  }
}

function recoverEnded(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  termination: ContainerTermination | undefined,
): void {
  const message = "the containerizer has no trace of it";
  const lost: ContainerTermination = termination ?? { kind: "LOST", message };
  // Either the LAUNCH effect was lost with the process, or the process ended in the middle of it.
  // The command never ran, so the framework is told what is safe to launch again.
  const neverRan = lost.kind === "NOT_STARTED" || lost.kind === "LOST";
  if (run.stage.state === "LAUNCHING" && neverRan) {
    finish(state, context, run, {
      state: lostState(state, run.frameworkId, "TASK_DROPPED"),
      source: "SOURCE_AGENT",
      reason: "REASON_AGENT_RESTARTED",
      message: `The agent restarted before it had launched the task: ${lost.message}`,
    });
    return;
  }
  containerEnded(state, context, run.containerId, lost);
}
