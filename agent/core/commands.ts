/**
 * What the master asks for. Each command may come twice (its number says so) or late, and must then
 * do nothing, or the same. Commands that lack the part their type promises do nothing either.
 */
import type { FrameworkId, TaskId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { defined } from "../../worker/std/assert.ts";
import { complete } from "./completed.ts";
import { customExecutors, shutDownExecutor } from "./custom-executors.ts";
import { startDrain } from "./drain.ts";
import type { ExitReason } from "./effect.ts";
import { tellExecutor } from "./executor-events.ts";
import { forgetExecutors } from "./executors.ts";
import { milliseconds, policyGraceMs, taskGraceMs } from "./grace.ts";
import { putFramework, runTask, runTaskGroup } from "./launch.ts";
import { EXECUTOR_SHUTDOWN_GRACE_MS, EXECUTOR_SHUTDOWN_KEPT_MS } from "./limits.ts";
import { applyOperation } from "./operations.ts";
import { isOfRun, type RunRow } from "./rows.ts";
import { isLive, killRun, runOf } from "./runs.ts";
import type { AgentState, StepContext } from "./state.ts";
import { lostState } from "./status.ts";
import { decodeStored } from "./stored.ts";
import {
  addUpdate,
  dropUpdates,
  resumeUpdates,
  takeUpdate,
  type UpdateSubject,
} from "./updates.ts";

type Handler = (state: AgentState, context: StepContext, command: link.Command) => void;

const handlers: { readonly [T in link.CommandType]: Handler } = {
  UNKNOWN: () => {},
  RUN_TASK: runTask,
  RUN_TASK_GROUP: runTaskGroup,
  APPLY_OPERATION: applyOperation,
  DRAIN: startDrain,
  UPDATE_FRAMEWORK: updateFramework,
  KILL_TASK: killTask,
  ACKNOWLEDGE: acknowledge,
  RECONCILE_TASKS: reconcileTasks,
  SHUTDOWN_FRAMEWORK: shutdownFramework,
  SHUTDOWN_EXECUTOR: shutdownExecutor,
  FRAMEWORK_MESSAGE: messageToExecutor,
  RESUME_UPDATES: (state, context, { resume_updates }) => {
    if (resume_updates === undefined) return;
    resumeUpdates(state, context, frameworkIdOf(resume_updates.framework_id));
  },
  CALL: (_state, context, { call }) => {
    if (call === undefined) return;
    context.effects.push({ type: "CALL", callId: call.call_id, call });
  },
  SHUTDOWN: (state, context, { shutdown }) =>
    shutDown(state, context, { type: "MASTER_SHUTDOWN", message: shutdown?.message ?? "" }),
};

/** Everything ends that runs here, and then the agent. */
export function shutDown(state: AgentState, context: StepContext, reason: ExitReason): void {
  state.exitWhenEmpty = reason;
  for (const run of [...state.run.values()]) {
    killRun(state, context, run, {
      cause: "AGENT_SHUTDOWN",
      graceMs: undefined,
      defaultGraceMs: EXECUTOR_SHUTDOWN_GRACE_MS,
    });
  }
  for (const { containerId } of customExecutors(state)) {
    shutDownExecutor(state, context, containerId, "AGENT_SHUTDOWN");
  }
}

/**
 * Carries out the commands of one poll's answer; a number that was carried out before is skipped.
 */
export function runCommands(
  state: AgentState,
  context: StepContext,
  commands: readonly link.Command[],
): void {
  for (const command of commands) {
    const agent = defined(state.agent.get("agent"), "commands come after registration");
    if (command.number !== undefined) {
      if (command.number <= BigInt(agent.lastCommand)) continue;
      state.agent.put({ ...agent, lastCommand: String(command.number) });
    }
    handlers[command.type](state, context, command);
    if (state.exitWhenEmpty?.type === "MASTER_SHUTDOWN") return;
  }
}

/** Of a framework that is known here: one that was shut down meanwhile does not return by this. */
function updateFramework(state: AgentState, _context: StepContext, command: link.Command): void {
  const info = command.update_framework?.framework;
  const id = info?.id && frameworkIdOf(info.id);
  if (info === undefined || id === undefined || !state.framework.has(id)) return;
  putFramework(state, id, info);
}

function killTask(state: AgentState, context: StepContext, command: link.Command): void {
  const kill = command.kill_task;
  if (kill === undefined) return;
  const subject: UpdateSubject = {
    frameworkId: frameworkIdOf(kill.framework_id),
    taskId: taskIdOf(kill.task_id),
    runNumber: String(kill.run_number),
  };
  const run = runOf(state, subject);
  if (run === undefined) {
    reportMissing(state, context, subject, {
      reason: "REASON_EXECUTOR_TERMINATED",
      message: `This agent has no task '${subject.taskId}' to kill`,
    });
    return;
  }
  killRun(state, context, run, {
    cause: "KILLED",
    graceMs: policyGraceMs(kill.kill_policy),
    defaultGraceMs: taskGraceMs(run),
  });
}

function acknowledge(state: AgentState, context: StepContext, command: link.Command): void {
  if (command.acknowledge === undefined) return;
  const update = takeUpdate(state, encodeBase64(command.acknowledge.uuid));
  if (update === undefined) return;
  const run = runOf(state, update);
  if (run?.stage.state !== "ENDED") return;
  // Terminal updates are made last: when none is younger, this was the terminal one.
  const rest = [...state.update.values()].filter((row) => isOfRun(row, update));
  if (rest.every((row) => row.seq < update.seq)) complete(state, run, context.nowMs);
}

function reconcileTasks(state: AgentState, context: StepContext, command: link.Command): void {
  for (const key of command.reconcile_tasks?.tasks ?? []) {
    const subject: UpdateSubject = {
      frameworkId: frameworkIdOf(key.framework_id),
      taskId: taskIdOf(key.task_id),
      runNumber: String(key.run_number),
    };
    if (runOf(state, subject) !== undefined) continue;
    reportMissing(state, context, subject, {
      reason: "REASON_RECONCILIATION",
      message: "The agent does not have this task; it was lost on its way or with the agent's disk",
    });
  }
}

function shutdownFramework(state: AgentState, context: StepContext, command: link.Command): void {
  if (command.shutdown_framework === undefined) return;
  const frameworkId = frameworkIdOf(command.shutdown_framework.framework_id);
  abandon(state, context, (run) => run.frameworkId === frameworkId);
  dropUpdates(state, (row) => row.frameworkId === frameworkId);
  forgetExecutors(state, context, frameworkId);
  state.framework.delete(frameworkId);
}

function shutdownExecutor(state: AgentState, context: StepContext, command: link.Command): void {
  const shutdown = command.shutdown_executor;
  if (shutdown === undefined) return;
  for (const { containerId, frameworkId, executorId } of customExecutors(state)) {
    if (frameworkId !== shutdown.framework_id.value) continue;
    if (executorId !== shutdown.executor_id.value) continue;
    shutDownExecutor(state, context, containerId, "ASKED");
    return;
  }
  for (const run of [...state.run.values()]) {
    if (run.frameworkId !== shutdown.framework_id.value) continue;
    if (run.executorId !== shutdown.executor_id.value) continue;
    killRun(state, context, run, {
      cause: "KILLED",
      graceMs: undefined,
      defaultGraceMs: shutdownGraceMs(state, run),
    });
  }
}

/** Best effort, as in Mesos: only an executor that listens hears it. */
function messageToExecutor(state: AgentState, context: StepContext, command: link.Command): void {
  const message = command.framework_message;
  if (message === undefined) return;
  for (const { containerId, frameworkId, executorId } of customExecutors(state)) {
    if (frameworkId !== message.framework_id.value) continue;
    if (executorId !== message.executor_id.value) continue;
    if (!state.executorStreams.has(containerId)) break;
    const { data } = message;
    tellExecutor(state, context, containerId, { type: "MESSAGE", message: { data } });
    state.executorTraffic.messagesPassed++;
    return;
  }
  state.executorTraffic.messagesDropped++;
}

function shutdownGraceMs(state: AgentState, { parentId }: RunRow): number {
  const executor = parentId === undefined ? undefined : state.executor.get(parentId);
  if (executor === undefined) return EXECUTOR_SHUTDOWN_GRACE_MS;
  const info = decodeStored("mesos.v1.ExecutorInfo", executor.info);
  const graceMs = milliseconds(info.shutdown_grace_period);
  if (graceMs === undefined) return EXECUTOR_SHUTDOWN_GRACE_MS;
  return Math.max(graceMs - EXECUTOR_SHUTDOWN_KEPT_MS, 0);
}

/** Ends runs about which nobody is to be told. */
export function abandon(
  state: AgentState,
  context: StepContext,
  chooses: (run: RunRow) => boolean,
): void {
  for (const run of [...state.run.values()]) {
    if (!chooses(run)) continue;
    if (isLive(run)) {
      killRun(state, context, run, {
        cause: "FRAMEWORK_SHUTDOWN",
        graceMs: undefined,
        defaultGraceMs: EXECUTOR_SHUTDOWN_GRACE_MS,
      });
    } else {
      complete(state, run, context.nowMs);
    }
  }
}

/** Says once that a run is not here. A run that was here and is completed needs no word. */
function reportMissing(
  state: AgentState,
  context: StepContext,
  subject: UpdateSubject,
  facts: Pick<mesos.TaskStatus, "reason" | "message">,
): void {
  const { runNumber } = subject;
  // Its RUN_TASK has a higher number than any command seen: it is still on its way.
  const agent = defined(state.agent.get("agent"), "commands come after registration");
  if (BigInt(runNumber) > BigInt(agent.lastCommand)) return;
  for (const row of state.completedRun.values()) {
    if (isOfRun(row, subject) && row.agentId === agent.id) return;
  }
  for (const row of state.update.values()) if (isOfRun(row, subject)) return;
  addUpdate(state, context, subject, {
    state: lostState(state, subject.frameworkId, "TASK_DROPPED"),
    source: "SOURCE_AGENT",
    ...facts,
  });
}

// The ids of the link's messages were checked by the master: this is where they get their brand.
function frameworkIdOf(id: mesos.FrameworkID): FrameworkId {
  return id.value as FrameworkId;
}
function taskIdOf(id: mesos.TaskID): TaskId {
  return id.value as TaskId;
}
