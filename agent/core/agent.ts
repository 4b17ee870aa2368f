/**
 * THE AGENT: `step` is the only way in. Pure, synchronous, deterministic.
 *
 * The caller writes `changes` to disk, then performs `effects` in their order. If `step` throws,
 * nothing was decided: drop the state and load it again from disk.
 */
import type * as link from "../../worker/protocol/link/messages.ts";
import { assert, defined, unreachable } from "../../worker/std/assert.ts";
import type { Change } from "../../worker/std/table.ts";
import { checkDone, makeDueChecks } from "./checks.ts";
import { runCommands, shutDown } from "./commands.ts";
import {
  customExecutor,
  customExecutors,
  executorDisconnected,
  executorEnded,
  executorFetched,
  executorLaunchFailed,
  executorSays,
  executorStarted,
  executorSubscribed,
  shutDownExecutor,
} from "./custom-executors.ts";
import { endDrain } from "./drain.ts";
import type { Effect } from "./effect.ts";
import { executorUpdated } from "./entrusted-runs.ts";
import { tendExecutors } from "./executors.ts";
import type {
  ContainerInput,
  ExecutorInput,
  Input,
  ShutdownReason,
  StampedInput,
} from "./input.ts";
import { recoverVolumes } from "./operations.ts";
import { recover } from "./recovery.ts";
import { registered } from "./registration.ts";
import { volumeKey } from "./rows.ts";
import {
  containerEnded,
  containerStarted,
  endOverdueRuns,
  fetched,
  isLive,
  killRun,
  launchFailed,
} from "./runs.ts";
import { type AgentState, newContext, type StepContext } from "./state.ts";
import { nextUpdateMs, reportDone, reportFailed, sendDueUpdates } from "./updates.ts";

export interface Outcome {
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
}

export function step(state: AgentState, { input, ...stamp }: StampedInput): Outcome {
  const context = newContext(stamp);
  state.changes = [];
  take(state, context, input);
  endOverdueRuns(state, context);
  makeDueChecks(state, context);
  tendExecutors(state, context);
  endDrain(state);
  sendDueUpdates(state, context);
  exitWhenEmpty(state, context);
  setTimer(state, context);
  return { changes: state.changes, effects: context.effects };
}

function take(state: AgentState, context: StepContext, input: Input): void {
  switch (input.type) {
    case "RECOVERED":
      recoverVolumes(state, context, input.containers);
      recover(state, context, input.containers);
      context.effects.push({ type: "REGISTER" });
      return;
    case "REGISTERED":
      registered(state, context, input.agentId);
      poll(state, context);
      return;
    case "REGISTER_AGAIN":
      registerAgain(state, context);
      return;
    case "GONE":
      shutDown(state, context, { type: "MASTER_SHUTDOWN", message: input.message });
      return;
    case "COMMANDS":
      takeCommands(state, context, input.commands);
      return;
    case "REPORT_DONE":
      reportDone(state, input.reportNumber);
      return;
    case "REPORT_FAILED":
      reportFailed(state, context, input.reportNumber);
      return;
    case "FETCHED":
    case "CONTAINER_STARTED":
    case "LAUNCH_FAILED":
    case "CONTAINER_ENDED":
      takeContainer(state, context, input);
      return;
    case "EXECUTOR_SUBSCRIBED":
    case "EXECUTOR_DISCONNECTED":
    case "EXECUTOR_UPDATE":
    case "EXECUTOR_MESSAGE":
      takeExecutor(state, context, input);
      return;
    case "CHECK_DONE":
      checkDone(state, context, input);
      return;
    case "VOLUME_REMOVED":
      state.volumeRemoval.delete(volumeKey(input.volume));
      return;
    case "TIMER_DUE":
      state.timerMs = undefined;
      return;
    case "SHUTDOWN":
      shutdown(state, context, input.reason);
      return;
    default:
      unreachable(input);
  }
}

/** What the containerizer says of a run's container, or of a custom executor's. */
function takeContainer(state: AgentState, context: StepContext, input: ContainerInput): void {
  const { containerId } = input;
  const executor = customExecutor(state, containerId);
  switch (input.type) {
    case "FETCHED":
      if (executor === undefined) fetched(state, context, containerId);
      else executorFetched(state, context, executor);
      return;
    case "CONTAINER_STARTED":
      if (executor === undefined) containerStarted(state, context, containerId, input);
      else executorStarted(state, context, executor, input.pid);
      return;
    case "LAUNCH_FAILED":
      if (executor === undefined) launchFailed(state, context, containerId, input.message);
      else executorLaunchFailed(state, context, executor, input.message);
      return;
    case "CONTAINER_ENDED":
      if (executor === undefined) containerEnded(state, context, containerId, input.termination);
      else executorEnded(state, context, executor, input.termination);
      return;
    default:
      unreachable(input);
  }
}

/** What a custom executor says. One that has ended meanwhile is not listened to. */
function takeExecutor(state: AgentState, context: StepContext, input: ExecutorInput): void {
  const executor = customExecutor(state, input.containerId);
  if (executor === undefined) return;
  switch (input.type) {
    case "EXECUTOR_SUBSCRIBED":
      executorSubscribed(state, context, executor, input);
      return;
    case "EXECUTOR_DISCONNECTED":
      executorDisconnected(state, input);
      return;
    case "EXECUTOR_UPDATE":
      executorUpdated(state, context, input.containerId, input.status);
      return;
    case "EXECUTOR_MESSAGE":
      executorSays(state, executor, input.data);
      return;
    default:
      unreachable(input);
  }
}

function takeCommands(
  state: AgentState,
  context: StepContext,
  commands: readonly link.Command[],
): void {
  // The session was ended meanwhile: the master repeats them to the next one.
  if (state.link.state === "UNREGISTERED") return;
  // An agent that ends takes no more, unless it waits for the last acknowledgements. Then it takes
  // all: a command that it left alone would at once be the answer to every poll that follows.
  const ending = state.exitWhenEmpty?.type;
  if (ending !== undefined && ending !== "ASKED") return;
  runCommands(state, context, commands);
  poll(state, context);
}

function poll(state: AgentState, context: StepContext): void {
  const { lastCommand } = defined(state.agent.get("agent"), "a registered agent has its row");
  context.effects.push({ type: "POLL", acknowledgedCommand: BigInt(lastCommand) });
}

function registerAgain(state: AgentState, context: StepContext): void {
  if (state.link.state === "UNREGISTERED") return;
  state.link = { state: "UNREGISTERED" };
  context.effects.push({ type: "REGISTER" });
}

function shutdown(state: AgentState, context: StepContext, reason: ShutdownReason): void {
  if (reason === "SIGNAL") {
    context.effects.push({ type: "EXIT", reason: { type: "SIGNAL" } });
    return;
  }
  if (reason === "ASKED") {
    shutDown(state, context, { type: "ASKED" });
    return;
  }
  state.exitWhenEmpty = { type: "PARENT_ENDED" };
  for (const run of [...state.run.values()]) {
    killRun(state, context, run, { cause: "PARENT_ENDED", graceMs: 0, defaultGraceMs: 0 });
  }
  for (const { containerId } of customExecutors(state)) {
    shutDownExecutor(state, context, containerId, "PARENT_ENDED");
  }
}

function exitWhenEmpty(state: AgentState, context: StepContext): void {
  if (state.exitWhenEmpty === undefined) return;
  for (const run of state.run.values()) if (isLive(run)) return;
  if (customExecutors(state).length > 0) return;
  // There may be no next agent to tell what nobody has acknowledged.
  if (state.exitWhenEmpty.type === "ASKED" && state.update.size > 0) return;
  context.effects.push({ type: "EXIT", reason: state.exitWhenEmpty });
  state.exitWhenEmpty = undefined;
}

function setTimer(state: AgentState, context: StepContext): void {
  const runMs = state.runTimers.nextDueMs() ?? Number.POSITIVE_INFINITY;
  const updateMs = nextUpdateMs(state) ?? Number.POSITIVE_INFINITY;
  const checkMs = state.checkTimers.nextDueMs() ?? Number.POSITIVE_INFINITY;
  const dueMs = Math.min(runMs, updateMs, checkMs);
  assert(!Number.isNaN(dueMs), "due times are numbers");
  if (dueMs === Number.POSITIVE_INFINITY) {
    state.timerMs = undefined;
    return;
  }
  if (state.timerMs !== undefined && state.timerMs <= dueMs) return;
  state.timerMs = dueMs;
  context.effects.push({ type: "SET_TIMER", dueMs });
}
