/**
 * Executors on agents: custom ones, and those of task groups. A row stands for one that the agent
 * runs or is about to run, and holds its resources; the agent says when it has ended.
 */
import type { ExecutorId } from "../../protocol/ids.ts";
import type * as link from "../../protocol/link/messages.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { parseResources } from "../../resources/parse.ts";
import type { AgentRow, ExecutorRow, FrameworkRow, TaskRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import { executorKey, taskKey } from "../tables.ts";
import { executorOf } from "../task/executor-of.ts";
import { sendEvent, type Turn } from "../turn.ts";

/** The agent's word that an executor has ended; it is repeated until a report is answered. */
export function executorExited(turn: Turn, agent: AgentRow, exit: link.ExecutorExit): void {
  const { tables } = turn.state;
  const [frameworkId, executorId] = [exit.framework_id.value, exit.executor_id.value];
  const row = tables.executor.get(executorKey(agent.id, frameworkId, executorId));
  if (row !== undefined && !isNeeded(turn, row)) tables.executor.delete(keyOfRow(row));
  const framework = tables.framework.get(frameworkId);
  if (framework === undefined) return;
  const { executor_id, status } = exit;
  sendEvent(turn, framework, {
    type: "FAILURE",
    failure: { agent_id: { value: agent.id }, executor_id, status },
  });
}

/**
 * Its tasks end before an executor does. So when it has some, they were launched since, and the
 * agent has started it anew for them, or is about to.
 */
function isNeeded(turn: Turn, executor: ExecutorName): boolean {
  return tasksIn(turn, executor).some(({ state }) => !isTerminal(state));
}

type ExecutorName = Pick<ExecutorRow, "agentId" | "frameworkId" | "id">;

function tasksIn(turn: Turn, { agentId, frameworkId, id }: ExecutorName): readonly TaskRow[] {
  return turn.state.index
    .tasksOfAgent(agentId)
    .filter((task) => task.frameworkId === frameworkId && executorOf(task) === id);
}

/**
 * The agent named the executors that are alive, after its tasks. But a registration may be an old
 * one that was long on its way: an executor that nobody knows is believed in only if it has a task
 * or its agent was lost, as a custom one stays when its tasks have ended; and one that is not named
 * has ended only if it has none that lives, or is on its way.
 */
export function reconcileExecutors(
  turn: Turn,
  agent: AgentRow,
  { named, wasLost }: { readonly named: readonly link.AgentExecutor[]; readonly wasLost: boolean },
): void {
  const { tables, index } = turn.state;
  const alive = new Set<string>();
  for (const { framework_id, executor } of named) {
    const framework = tables.framework.get(framework_id.value);
    if (framework === undefined) continue;
    const key = executorKey(agent.id, framework.id, executor.executor_id.value);
    alive.add(key);
    const name = {
      agentId: agent.id,
      frameworkId: framework.id,
      id: executor.executor_id.value as ExecutorId,
    };
    const isKnown = tables.executor.has(key);
    const isNew = !isKnown && (wasLost || tasksIn(turn, name).length > 0);
    if (isNew) adopt(turn, agent, framework, executor);
  }
  for (const row of index.executorsOfAgent(agent.id)) {
    if (alive.has(keyOfRow(row)) || isNeeded(turn, row) || isOnItsWay(turn, row)) continue;
    tables.executor.delete(keyOfRow(row));
  }
}

function adopt(
  turn: Turn,
  agent: AgentRow,
  framework: FrameworkRow,
  executor: link.AgentExecutor["executor"],
): void {
  const resources = parseResources(executor.resources);
  const role = executor.resources?.[0]?.allocation_info?.role ?? framework.roles[0] ?? "*";
  turn.state.tables.executor.put({
    seq: newSeq(turn.state),
    frameworkId: framework.id,
    id: executor.executor_id.value as ExecutorId,
    agentId: agent.id,
    info: encodeJson("mesos.v1.ExecutorInfo", executor),
    role,
    // The agent has it from a master, which had parsed it.
    resources: resources.ok ? resources.value : [],
  });
}

/** They come back with the agent's next registration; until then they hold nothing. */
export function loseExecutors(turn: Turn, agent: AgentRow): void {
  for (const row of turn.state.index.executorsOfAgent(agent.id)) {
    if (!isOnItsWay(turn, row)) turn.state.tables.executor.delete(keyOfRow(row));
  }
}

/** The framework is removed, and its agents have been told to end all it runs. */
export function endExecutors(turn: Turn, framework: FrameworkRow): void {
  for (const row of turn.state.index.executorsOfFramework(framework.id)) {
    turn.state.tables.executor.delete(keyOfRow(row));
  }
}

/** A launch that needs the executor has not been acknowledged. */
function isOnItsWay(turn: Turn, { agentId, frameworkId, id }: ExecutorRow): boolean {
  const { index, tables } = turn.state;
  return index.commandsOfAgent(agentId).some(({ command }) => {
    switch (command.type) {
      case "RUN_TASK_GROUP":
        return command.frameworkId === frameworkId && command.executorId === id;
      case "RUN_TASK": {
        const task = tables.task.get(taskKey(command.frameworkId, command.taskId));
        return task?.frameworkId === frameworkId && executorOf(task) === id;
      }
      default:
        return false;
    }
  });
}

function keyOfRow({ agentId, frameworkId, id }: ExecutorRow): string {
  return executorKey(agentId, frameworkId, id);
}
