/**
 * THE AGENT: `step` is the only way in. Pure, synchronous, deterministic.
 *
 * The caller writes `changes` to disk, then performs `effects` in their order. If `step` throws,
 * nothing was decided: drop the state and load it again from disk.
 */
import type * as link from "../../worker/protocol/link/messages.ts";
import { assert, defined, unreachable } from "../../worker/std/assert.ts";
import type { Change } from "../../worker/std/table.ts";
import { runCommands, shutDown } from "./commands.ts";
import { endDrain } from "./drain.ts";
import type { Effect } from "./effect.ts";
import { endIdleExecutors } from "./executors.ts";
import type { Input, ShutdownReason, StampedInput } from "./input.ts";
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

export function step(state: AgentState, { nowMs, seed, input }: StampedInput): Outcome {
  const context = newContext(nowMs, seed);
  state.changes = [];
  take(state, context, input);
  endOverdueRuns(state, context);
  endIdleExecutors(state, context);
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
      shutDown(state, context, input.message);
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
      fetched(state, context, input.containerId);
      return;
    case "CONTAINER_STARTED":
      containerStarted(state, context, input.containerId, input.pid);
      return;
    case "LAUNCH_FAILED":
      launchFailed(state, context, input.containerId, input.message);
      return;
    case "CONTAINER_ENDED":
      containerEnded(state, context, input.containerId, input.termination);
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

function takeCommands(
  state: AgentState,
  context: StepContext,
  commands: readonly link.Command[],
): void {
  // The session was ended meanwhile: the master repeats them to the next one. An agent that ends
  // takes no more.
  if (state.link.state === "UNREGISTERED" || state.exitWhenEmpty !== undefined) return;
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
  state.exitWhenEmpty = { type: "PARENT_ENDED" };
  for (const run of [...state.run.values()]) {
    killRun(state, context, run, { cause: "PARENT_ENDED", graceMs: 0, defaultGraceMs: 0 });
  }
}

function exitWhenEmpty(state: AgentState, context: StepContext): void {
  if (state.exitWhenEmpty === undefined) return;
  for (const run of state.run.values()) if (isLive(run)) return;
  context.effects.push({ type: "EXIT", reason: state.exitWhenEmpty });
  state.exitWhenEmpty = undefined;
}

function setTimer(state: AgentState, context: StepContext): void {
  const runMs = state.runTimers.nextDueMs() ?? Number.POSITIVE_INFINITY;
  const updateMs = nextUpdateMs(state) ?? Number.POSITIVE_INFINITY;
  const dueMs = Math.min(runMs, updateMs);
  assert(!Number.isNaN(dueMs), "due times are numbers");
  if (dueMs === Number.POSITIVE_INFINITY) {
    state.timerMs = undefined;
    return;
  }
  if (state.timerMs !== undefined && state.timerMs <= dueMs) return;
  state.timerMs = dueMs;
  context.effects.push({ type: "SET_TIMER", dueMs });
}
