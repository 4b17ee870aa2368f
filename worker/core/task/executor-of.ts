import type { ExecutorId } from "../../protocol/ids.ts";
import type { TaskRow } from "../rows.ts";

/**
 * The executor that the task runs in; undefined: the agent runs it by itself, under the task's own
 * id. A task that came back after the master had lost its disk has no group any more.
 */
export function executorOf(task: TaskRow): ExecutorId | undefined {
  const { id, executorId, group, hasOwnExecutor } = task;
  if (group !== undefined) return group.executorId;
  if (hasOwnExecutor === true) return executorId;
  return executorId === (id as string) ? undefined : executorId;
}
