import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";
import { allTasks } from "./task-lists.ts";

/**
 * `pending_tasks` and `orphan_tasks` are never there: a task is a row from its launch on, and never
 * without its framework.
 */
export function getTasks(state: MasterState): master.Response {
  const { tasks, unreachable, completed } = allTasks(state);
  return {
    type: "GET_TASKS",
    get_tasks: {
      tasks,
      unreachable_tasks: unreachable,
      completed_tasks: completed,
    },
  };
}
