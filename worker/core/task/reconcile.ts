/** RECONCILE: what the master knows of tasks, told as updates that want no acknowledgement (http-semantics 6.5). */

import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { unreachable } from "../../std/assert.ts";
import type { FrameworkRow, TaskRow } from "../rows.ts";
import { taskKey } from "../tables.ts";
import { sendEvent, type Turn, timestamp } from "../turn.ts";
import { decodeStatus } from "./complete.ts";
import { executorOf } from "./executor-of.ts";
import { stateToldTo } from "./status.ts";

export function reconcile(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallReconcile,
): void {
  const asked = call.tasks ?? [];
  if (asked.length === 0) {
    for (const task of turn.state.index.tasksOfFramework(framework.id)) {
      if (task.unreachableMs === undefined) answerKnown(turn, framework, task);
    }
    return;
  }
  for (const { task_id, agent_id } of asked) {
    reconcileTask(turn, framework, task_id.value, agent_id?.value);
  }
}

/** The answer for one task, known or not; also KILL's answer for an unknown task. */
export function reconcileTask(
  turn: Turn,
  framework: FrameworkRow,
  taskId: string,
  agentId: string | undefined,
): void {
  const task = turn.state.tables.task.get(taskKey(framework.id, taskId));
  if (task !== undefined) {
    answerKnown(turn, framework, task);
    return;
  }
  const facts = { task_id: { value: taskId }, agent_id: agentId ? { value: agentId } : undefined };
  answer(turn, framework, { ...facts, ...whatOfUnknown(turn, agentId ?? "") });
}

/** What has become of a task that the master does not know, as far as its agent tells. */
function whatOfUnknown(
  turn: Turn,
  agentId: string,
): Pick<mesos.TaskStatus, "state" | "message" | "unreachable_time"> {
  const { agent: agents, goneAgent } = turn.state.tables;
  const agent = agents.get(agentId);
  if (agent === undefined) {
    if (!goneAgent.has(agentId)) {
      return { state: "TASK_UNKNOWN", message: "Reconciliation: Task is unknown" };
    }
    const message = "Reconciliation: Task's agent was marked gone by an operator";
    return { state: "TASK_GONE_BY_OPERATOR", message };
  }
  switch (agent.connection.state) {
    case "CONNECTED":
      return { state: "TASK_GONE", message: "Reconciliation: Task is unknown to the agent" };
    case "UNREACHABLE": {
      const message = "Reconciliation: Task's agent is unreachable";
      const unreachable_time = nanoseconds(agent.connection.sinceMs);
      return { state: "TASK_UNREACHABLE", message, unreachable_time };
    }
    default:
      return unreachable(agent.connection);
  }
}

/**
 * The last state the framework was told (or would have been), not a newer one still to be
 * delivered.
 */
function answerKnown(turn: Turn, framework: FrameworkRow, task: TaskRow): void {
  const isUnreachable = task.unreachableMs !== undefined;
  const last = task.statuses.at(-1);
  const known = last === undefined ? undefined : decodeStatus(last);
  const executorId = executorOf(task);
  answer(turn, framework, {
    task_id: { value: task.id },
    state: isUnreachable ? "TASK_UNREACHABLE" : task.statusState,
    message: isUnreachable
      ? "Reconciliation: Task is unreachable"
      : "Reconciliation: Latest task state",
    agent_id: { value: task.agentId },
    executor_id: executorId && { value: executorId },
    healthy: known?.healthy,
    check_status: known?.check_status,
    container_status: known?.container_status,
    unreachable_time: known?.unreachable_time,
  });
}

function answer(turn: Turn, framework: FrameworkRow, facts: mesos.TaskStatus): void {
  const status: mesos.TaskStatus = {
    ...facts,
    state: stateToldTo(framework, facts.state),
    source: "SOURCE_MASTER",
    reason: "REASON_RECONCILIATION",
    timestamp: timestamp(turn),
  };
  sendEvent(turn, framework, { type: "UPDATE", update: { status } });
}

/** A time as the wire has it. */
export function nanoseconds(ms: number): mesos.TimeInfo {
  return { nanoseconds: BigInt(Math.round(ms)) * 1_000_000n };
}
