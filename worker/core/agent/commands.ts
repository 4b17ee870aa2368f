/**
 * Commands to agents: rows until the agent has acknowledged their number, and what they look like
 * on the link.
 */

import type * as link from "../../protocol/link/messages.ts";
import { assert, unreachable } from "../../std/assert.ts";
import { frameworkInfo } from "../framework/info.ts";
import type { AgentCommand, AgentRow, CommandRow } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";
import { decodeStored } from "../stored.ts";
import { taskKey } from "../tables.ts";
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
    case "SHUTDOWN_EXECUTOR": {
      const framework_id = { value: command.frameworkId };
      const executor_id = { value: command.executorId };
      return {
        type: "SHUTDOWN_EXECUTOR",
        number,
        shutdown_executor: { framework_id, executor_id },
      };
    }
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
  assert(body !== undefined, `task ${taskId} of ${frameworkId} has its body`);
  return { framework: frameworkInfo(framework), task: decodeStored("mesos.v1.TaskInfo", body) };
}
