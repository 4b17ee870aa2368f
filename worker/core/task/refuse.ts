import type * as mesos from "../../protocol/v1/mesos.ts";
import type { FrameworkRow } from "../rows.ts";
import { sendEvent, type Turn, timestamp } from "../turn.ts";
import { stateToldTo } from "./status.ts";

/** Why a task is not launched. */
export interface TaskRefusal {
  readonly state: mesos.TaskState;
  readonly reason: mesos.TaskStatusReason;
  readonly message: string;
}

/** Tells the framework that a task was never launched. No uuid: there is nothing to acknowledge. */
export function refuseTask(
  turn: Turn,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  refusal: TaskRefusal,
): void {
  const status: mesos.TaskStatus = {
    task_id: task.task_id,
    state: stateToldTo(framework, refusal.state),
    message: refusal.message,
    source: "SOURCE_MASTER",
    reason: refusal.reason,
    agent_id: task.agent_id,
    timestamp: timestamp(turn),
  };
  sendEvent(turn, framework, { type: "UPDATE", update: { status } });
}

/** Of a LAUNCH, for the task that is at fault. */
export function invalidTask(message: string): TaskRefusal {
  return { state: "TASK_ERROR", reason: "REASON_TASK_INVALID", message };
}

/** Of a LAUNCH_GROUP, for every task of the group. */
export function invalidGroup(message: string): TaskRefusal {
  return { state: "TASK_ERROR", reason: "REASON_TASK_GROUP_INVALID", message };
}
