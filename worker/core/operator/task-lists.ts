/**
 * Tasks as operators are shown them: in the three lists of Mesos, and in the states their framework
 * was told.
 *
 * A task that has ended stays in the first list until its framework has acknowledged that, as in
 * Mesos.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { defined } from "../../std/assert.ts";
import { COMPLETED_TASKS_MAX } from "../constants.ts";
import type { FrameworkRow, TaskRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { decodeStored } from "../stored.ts";
import { taskMessage } from "../task/complete.ts";
import { stateToldTo } from "../task/status.ts";

export interface TaskLists {
  readonly tasks: readonly mesos.Task[];
  readonly unreachable: readonly mesos.Task[];
  /** The bounded tail that is kept in the object, the oldest first. */
  readonly completed: readonly mesos.Task[];
}

const NO_TASKS: TaskLists = { tasks: [], unreachable: [], completed: [] };

/** Every task there is. Only between steps: it reads the completed ones from the disk. */
export function allTasks(state: MasterState): TaskLists {
  return { ...liveTasks(state, state.tables.task.values()), completed: completedTasks(state) };
}

/**
 * The tasks of each framework, completed frameworks included; for those without any see `tasksOf`.
 */
export function tasksByFramework(state: MasterState): ReadonlyMap<string, TaskLists> {
  const { tasks, unreachable, completed } = allTasks(state);
  const byFramework = new Map<string, { [L in keyof TaskLists]: mesos.Task[] }>();
  const listsOf = (task: mesos.Task): { [L in keyof TaskLists]: mesos.Task[] } => {
    const id = task.framework_id.value;
    const lists = byFramework.get(id) ?? { tasks: [], unreachable: [], completed: [] };
    byFramework.set(id, lists);
    return lists;
  };
  for (const task of tasks) listsOf(task).tasks.push(task);
  for (const task of unreachable) listsOf(task).unreachable.push(task);
  for (const task of completed) listsOf(task).completed.push(task);
  return byFramework;
}

export function tasksOf(byFramework: ReadonlyMap<string, TaskLists>, id: string): TaskLists {
  return byFramework.get(id) ?? NO_TASKS;
}

function liveTasks(
  state: MasterState,
  rows: Iterable<TaskRow>,
): Pick<TaskLists, "tasks" | "unreachable"> {
  const tasks: mesos.Task[] = [];
  const unreachable: mesos.Task[] = [];
  for (const row of rows) {
    const framework = state.tables.framework.get(row.frameworkId);
    const list = row.state === "TASK_UNREACHABLE" ? unreachable : tasks;
    const known = defined(framework, `task ${row.id} has its framework`);
    list.push(asTold(known, taskMessage(state, row)));
  }
  return { tasks, unreachable };
}

/**
 * A framework that knows no partitions is told TASK_LOST, and so are the operators who look at its
 * tasks.
 */
function asTold(framework: FrameworkRow, task: mesos.Task): mesos.Task {
  const told = (state: mesos.TaskState): mesos.TaskState => stateToldTo(framework, state);
  return {
    ...task,
    state: told(task.state),
    status_update_state: task.status_update_state && told(task.status_update_state),
    statuses: task.statuses?.map((status) => ({ ...status, state: told(status.state) })),
  };
}

/** The ring's texts, decoded, in the order in which the tasks were completed. */
function completedTasks(state: MasterState): readonly mesos.Task[] {
  // Slots from the next one on hold the round before: they are older than those already written
  // over.
  const next = defined(state.next.get("completion"), "the completion counter is set up");
  const age = (slot: number): number =>
    (slot - (next % COMPLETED_TASKS_MAX) + COMPLETED_TASKS_MAX) % COMPLETED_TASKS_MAX;
  return [...state.cold.scan("completedTask")]
    .sort(([a], [b]) => age(a) - age(b))
    .map(([, text]) => decodeStored("mesos.v1.Task", text));
}
