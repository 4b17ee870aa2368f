import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import type { Snapshot } from "./snapshot.ts";
import { completedTasksOfAll, liveTasks } from "./task-lists.ts";

/**
 * `pending_tasks` and `orphan_tasks` are never there: a task is a row from its launch on, and never
 * without its framework.
 */
export function getTasks(snapshot: Snapshot): LongMessage<"mesos.v1.master.Response.GetTasks"> {
  return longMessage("mesos.v1.master.Response.GetTasks", (of) => [
    of.list("tasks", () => liveTasks(snapshot, snapshot.tasks, "REACHABLE")),
    of.list("unreachable_tasks", () => liveTasks(snapshot, snapshot.tasks, "UNREACHABLE")),
    of.list("completed_tasks", () => completedTasksOfAll(snapshot)),
  ]);
}
