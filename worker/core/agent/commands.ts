/**
 * Commands to agents: rows until the agent has acknowledged their number, and what they look like
 * on the link.
 */

import type * as link from "../../protocol/link/messages.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { decodeBase64 } from "../../protocol/wire/base64.ts";
import { renderForDocuments } from "../../resources/render.ts";
import { assert, unreachable } from "../../std/assert.ts";
import { frameworkInfo } from "../framework/info.ts";
import { operationApplied } from "../operation/feedback.ts";
import type { AgentCommand, AgentRow, CommandRow, DrainConfig } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";
import { decodeStored } from "../stored.ts";
import { executorKey, taskKey } from "../tables.ts";
import { sendCommands, type Turn } from "../turn.ts";

/**
 * Stores a command and sends it if the agent is connected; otherwise it waits for its return. It
 * takes the place of one that says the same, and of an older list of runs to answer for: what is
 * repeated while an agent is away does not pile up.
 */
export function enqueueCommand(turn: Turn, agent: AgentRow, command: AgentCommand): void {
  const text = JSON.stringify(command);
  for (const row of turn.state.index.commandsOfAgent(agent.id)) {
    const isOlderList = command.type === "RECONCILE_TASKS" && row.command.type === command.type;
    if (!isOlderList && JSON.stringify(row.command) !== text) continue;
    turn.state.tables.command.delete(String(row.seq));
  }
  enqueueNumbered(turn, agent, command, newSeq(turn.state));
}

/** The same with a number taken before (a launch writes it into the task's row first). */
export function enqueueNumbered(
  turn: Turn,
  agent: AgentRow,
  command: AgentCommand,
  seq: number,
): CommandRow {
  const row = turn.state.tables.command.put({ seq, agentId: agent.id, command });
  const message = commandMessage(turn.state, row);
  if (message !== undefined) sendCommands(turn, agent, [message]);
  return row;
}

/** Everything the agent has not acknowledged, in order. */
export function pendingCommands(state: MasterState, agentId: string): link.Command[] {
  return state.index
    .commandsOfAgent(agentId)
    .map((row) => commandMessage(state, row))
    .filter((message) => message !== undefined);
}

/** The agent has everything up to this number on disk. */
export function acknowledgeCommands(turn: Turn, agent: AgentRow, number: number): void {
  for (const row of turn.state.index.commandsOfAgent(agent.id)) {
    if (row.seq > number) return;
    turn.state.tables.command.delete(String(row.seq));
    if (row.command.type === "APPLY_OPERATION") operationApplied(turn, row.command.uuid);
  }
}

/** Undefined: what the command is about has ended meanwhile, so nobody needs it any more. */
function commandMessage(state: MasterState, row: CommandRow): link.Command | undefined {
  const { command } = row;
  const number = BigInt(row.seq);
  switch (command.type) {
    case "RUN_TASK": {
      const runTask = runTaskMessage(state, command, row.seq);
      return runTask && { type: "RUN_TASK", number, run_task: runTask };
    }
    case "KILL_TASK": {
      const { frameworkId, taskId, run, gracePeriodNs } = command;
      const killPolicy =
        gracePeriodNs === undefined
          ? undefined
          : { grace_period: { nanoseconds: BigInt(gracePeriodNs) } };
      const kill_task = {
        framework_id: { value: frameworkId },
        task_id: { value: taskId },
        kill_policy: killPolicy,
        run_number: BigInt(run),
      };
      return { type: "KILL_TASK", number, kill_task };
    }
    case "SHUTDOWN_FRAMEWORK": {
      const framework_id = { value: command.frameworkId };
      return { type: "SHUTDOWN_FRAMEWORK", number, shutdown_framework: { framework_id } };
    }
    case "UPDATE_FRAMEWORK": {
      const row = state.tables.framework.get(command.frameworkId);
      const framework = row && frameworkInfo(row);
      return framework && { type: "UPDATE_FRAMEWORK", number, update_framework: { framework } };
    }
    case "SHUTDOWN_EXECUTOR": {
      const framework_id = { value: command.frameworkId };
      const executor_id = { value: command.executorId };
      return {
        type: "SHUTDOWN_EXECUTOR",
        number,
        shutdown_executor: { framework_id, executor_id },
      };
    }
    case "RUN_TASK_GROUP": {
      const runGroup = runTaskGroupMessage(state, command, row);
      return runGroup && { type: "RUN_TASK_GROUP", number, run_task_group: runGroup };
    }
    case "APPLY_OPERATION": {
      const apply = applyOperationMessage(state, command);
      return apply && { type: "APPLY_OPERATION", number, apply_operation: apply };
    }
    case "DRAIN": {
      const config = drainConfigMessage(command.config);
      return { type: "DRAIN", number, drain: { config } };
    }
    case "SHUTDOWN":
      return { type: "SHUTDOWN", number, shutdown: { message: command.message } };
    case "RECONCILE_TASKS": {
      const tasks = command.runs.map(({ frameworkId, taskId, run }) => ({
        framework_id: { value: frameworkId },
        task_id: { value: taskId },
        run_number: BigInt(run),
      }));
      return { type: "RECONCILE_TASKS", number, reconcile_tasks: { tasks } };
    }
    default:
      return unreachable(command);
  }
}

function runTaskMessage(
  state: MasterState,
  { frameworkId, taskId }: AgentCommand & { type: "RUN_TASK" },
  run: number,
): link.CommandRunTask | undefined {
  const framework = state.tables.framework.get(frameworkId);
  const task = state.tables.task.get(taskKey(frameworkId, taskId));
  if (framework === undefined || task === undefined || task.run !== run) return undefined;
  const body = state.cold.get("taskBody", task.seq);
  // A task that came back after the master had lost its disk has none: its agent has the launch.
  if (body === undefined) return undefined;
  return { framework: frameworkInfo(framework), task: decodeStored("mesos.v1.TaskInfo", body) };
}

/** Undefined once a task of the group is gone: the agent has had the launch. */
function runTaskGroupMessage(
  state: MasterState,
  { frameworkId, executorId, taskIds }: AgentCommand & { type: "RUN_TASK_GROUP" },
  { seq, agentId }: CommandRow,
): link.CommandRunTaskGroup | undefined {
  const framework = state.tables.framework.get(frameworkId);
  const executor = state.tables.executor.get(executorKey(agentId, frameworkId, executorId));
  const tasks = taskIds.map((id) => state.tables.task.get(taskKey(frameworkId, id)));
  if (framework === undefined || executor === undefined) return undefined;
  const bodies: mesos.TaskInfo[] = [];
  for (const task of tasks) {
    if (task?.run !== seq) return undefined;
    const body = state.cold.get("taskBody", task.seq);
    assert(body !== undefined, `task ${task.id} of ${frameworkId} has its body`);
    bodies.push(decodeStored("mesos.v1.TaskInfo", body));
  }
  return {
    framework: frameworkInfo(framework),
    executor: decodeStored("mesos.v1.ExecutorInfo", executor.info),
    task_group: { tasks: bodies },
  };
}

function applyOperationMessage(
  state: MasterState,
  { uuid }: AgentCommand & { type: "APPLY_OPERATION" },
): link.CommandApplyOperation | undefined {
  const operation = state.tables.operation.get(uuid);
  const agent = state.tables.agent.get(operation?.agentId ?? "");
  if (operation === undefined || agent === undefined) return undefined;
  const bytes = decodeBase64(uuid);
  assert(bytes.ok, "a stored uuid decodes");
  const { frameworkId } = operation;
  return {
    operation_uuid: bytes.value,
    framework_id: frameworkId === undefined ? undefined : { value: frameworkId },
    info: decodeStored("mesos.v1.Offer.Operation", operation.info),
    resources: renderForDocuments(agent.total),
  };
}

/** As it is told to the agent and shown to operators. */
export function drainConfigMessage({ maxGracePeriodNs, markGone }: DrainConfig): mesos.DrainConfig {
  const grace =
    maxGracePeriodNs === undefined ? undefined : { nanoseconds: BigInt(maxGracePeriodNs) };
  return { max_grace_period: grace, mark_gone: markGone };
}
