/**
 * Tasks as operators are shown them: in the three lists of Mesos, and in the states their framework
 * was told.
 *
 * A task that has ended stays in the first list until its framework has acknowledged that, as in
 * Mesos. Everything here is made while it is read; where nothing is yielded the reader may pause.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { defined } from "../../std/assert.ts";
import type { CompletedFrameworkRow, FrameworkRow, TaskRow } from "../rows.ts";
import { type BodyTexts, taskMessage } from "../task/complete.ts";
import { type CompletedTask, completedTasks, ringOf } from "../task/completed.ts";
import { stateToldTo } from "../task/status.ts";
import { groupsOf, type Snapshot } from "./snapshot.ts";

/** REACHABLE: all that are not unreachable. */
export type Reach = "REACHABLE" | "UNREACHABLE";

/** Rows passed over between two pauses. */
const ROWS_AT_ONCE = 256;

export function* liveTasks(
  snapshot: Snapshot,
  rows: readonly TaskRow[],
  reach: Reach,
): Generator<mesos.Task | undefined> {
  const { frameworks } = yield* groupsOf(snapshot);
  let passed = 0;
  for (const row of rows) {
    if (reachOf(row) === reach) {
      const framework = frameworks.get(row.frameworkId);
      yield shownTask(snapshot, defined(framework, `task ${row.id} has its framework`), row);
    } else if (++passed % ROWS_AT_ONCE === 0) {
      yield undefined;
    }
  }
}

export function reachOf({ state }: TaskRow): Reach {
  return state === "TASK_UNREACHABLE" ? "UNREACHABLE" : "REACHABLE";
}

/** Of every framework, in the order of their registration; completed frameworks come last. */
export function* completedTasksOfAll(snapshot: Snapshot): Generator<mesos.Task | undefined> {
  for (const row of [...snapshot.frameworks, ...snapshot.completedFrameworks]) {
    yield* completedTasksOf(snapshot, row);
    yield undefined;
  }
}

/** The bounded tail that is kept in the object, the oldest first. */
export function* completedTasksOf(
  snapshot: Snapshot,
  framework: FrameworkRow | CompletedFrameworkRow,
): Generator<mesos.Task> {
  for (const { task } of completedEntriesOf(snapshot, framework)) yield task;
}

export function completedEntriesOf(
  { cold }: Snapshot,
  framework: FrameworkRow | CompletedFrameworkRow,
): Generator<CompletedTask> {
  const seq = "frameworkSeq" in framework ? framework.frameworkSeq : framework.seq;
  return completedTasks(cold, ringOf(seq));
}

/**
 * A framework that knows no partitions is told TASK_LOST, and so are the operators who look at its
 * tasks.
 */
export function shownTask(texts: BodyTexts, framework: FrameworkRow, row: TaskRow): mesos.Task {
  const told = (state: mesos.TaskState): mesos.TaskState => stateToldTo(framework, state);
  const task = taskMessage(texts, row);
  return {
    ...task,
    state: told(task.state),
    status_update_state: task.status_update_state && told(task.status_update_state),
    statuses: task.statuses?.map((status) => ({ ...status, state: told(status.state) })),
  };
}
