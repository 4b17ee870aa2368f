/**
 * An agent leaves the cluster: an operator marked it gone, its machine is down, or nobody has heard
 * of it for weeks. Everything that names it goes with it.
 */
import { isTerminal } from "../../protocol/task-state.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { rescindOffersOfAgent } from "../offer/offer.ts";
import { forgetRefusalsOf } from "../offer/refuse.ts";
import { operationsGone } from "../operation/feedback.ts";
import { removeFromRelay } from "../relay/assign.ts";
import type { AgentRow, FrameworkRow, TaskRow } from "../rows.ts";
import { executorKey, taskKey } from "../tables.ts";
import { completeTask, decodeStatus, withStatus } from "../task/complete.ts";
import { stateToldTo } from "../task/status.ts";
import { sendCommands, sendEvent, type Turn } from "../turn.ts";

/** What becomes of its tasks, as their frameworks are told. */
export interface Removal {
  readonly state: Extract<mesos.TaskState, "TASK_GONE_BY_OPERATOR" | "TASK_LOST">;
  readonly reason: Extract<
    mesos.TaskStatusReason,
    "REASON_AGENT_REMOVED" | "REASON_AGENT_REMOVED_BY_OPERATOR"
  >;
  readonly message: string;
  /** What has to be done before it can join again, for who reads the agent's log. */
  readonly advice: string;
}

/**
 * Everybody is told, and so is the agent: it ends what it runs, and itself. If that word is lost,
 * it is told when it registers again (`admission.ts`).
 */
export function removeAgent(turn: Turn, agent: AgentRow, removal: Removal): void {
  const { tables, index } = turn.state;
  for (const task of index.tasksOfAgent(agent.id)) endTask(turn, task, removal);
  operationsGone(turn, agent);
  rescindOffersOfAgent(turn, agent.id);
  if (agent.connection.state === "CONNECTED") {
    const message = `${removal.message}: ${removal.advice}`;
    sendCommands(turn, agent, [{ type: "SHUTDOWN", shutdown: { message } }]);
    removeFromRelay(turn, agent);
  }
  forget(turn, agent);
  for (const framework of tables.framework.values()) {
    sendEvent(turn, framework, { type: "FAILURE", failure: { agent_id: { value: agent.id } } });
  }
}

/** Without a word: its frameworks have long been told that it is unreachable. */
export function forgetAgent(turn: Turn, agent: AgentRow): void {
  const { tables, index } = turn.state;
  for (const task of index.tasksOfAgent(agent.id)) completeTask(turn, task);
  for (const { uuid } of index.operationsOfAgent(agent.id)) tables.operation.delete(uuid);
  forget(turn, agent);
}

function forget(turn: Turn, agent: AgentRow): void {
  const { tables, index } = turn.state;
  for (const { seq } of index.commandsOfAgent(agent.id)) tables.command.delete(String(seq));
  for (const { frameworkId, id } of index.executorsOfAgent(agent.id)) {
    tables.executor.delete(executorKey(agent.id, frameworkId, id));
  }
  forgetRefusalsOf(turn.state, agent);
  tables.agent.delete(agent.id);
}

/** A task that had ended keeps its end; its framework hears of it if it has not yet. */
function endTask(turn: Turn, task: TaskRow, removal: Removal): void {
  const { tables } = turn.state;
  const hadEnded = isTerminal(task.state);
  const state = hadEnded ? task.state : removal.state;
  const { reason, message } = removal;
  const ended = withStatus(turn, task, { state, reason, message });
  const framework = tables.framework.get(task.frameworkId);
  const isTold = isTerminal(task.statusState) && task.unreachableMs === undefined;
  if (framework !== undefined && !isTold) {
    tell(turn, framework, endReported(turn, task) ?? decodeStatus(ended.statuses.at(-1) ?? ""));
  }
  completeTask(turn, hadEnded ? task : tables.task.put(ended));
}

/** The end that the agent reported. No acknowledgement is asked for: nobody is left to have it. */
function endReported(turn: Turn, task: TaskRow): mesos.TaskStatus | undefined {
  const updates = turn.state.index.updatesOfTask(taskKey(task.frameworkId, task.id));
  const end = updates.find(({ state }) => isTerminal(state));
  return end && { ...decodeStatus(end.status), uuid: undefined };
}

function tell(turn: Turn, framework: FrameworkRow, status: mesos.TaskStatus): void {
  const state = stateToldTo(framework, status.state);
  sendEvent(turn, framework, { type: "UPDATE", update: { status: { ...status, state } } });
}
