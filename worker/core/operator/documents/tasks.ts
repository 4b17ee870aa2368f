/** `/tasks`, and a task as every document shows it. */

import type * as mesos from "../../../protocol/v1/mesos.ts";
import type { JsonText } from "../../../protocol/wire/json-document.ts";
import { taskText } from "../../../resources/task-document.ts";
import { sortInSteps } from "../../../std/sort-in-steps.ts";
import type { FrameworkRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";
import { decodeStatus } from "../../task/complete.ts";
import { completedTaskAt } from "../../task/completed.ts";
import { groupsOf, NO_HOLDINGS, type Snapshot } from "../snapshot.ts";
import { completedEntriesOf, reachOf, shownTask } from "../task-lists.ts";
import { type LongText, listPieces, longDocument } from "./long-text.ts";
import type { Query } from "./query.ts";

const TASKS_SHOWN = 100;

/** A task that was asked for, by what it is sorted by. */
interface Found {
  readonly firstTime: number;
  /** Made again when it is shown: thousands of messages would be too much to keep. */
  readonly show: () => mesos.Task;
}

/**
 * Active, unreachable and completed tasks of all frameworks, the latest first; by the time of the
 * first status, tasks that have none counting as the oldest. Parameters: framework_id, task_id,
 * limit (100), offset (0), order ("asc" = the oldest first). As in Mesos what is not a whole number
 * counts as not given, and a limit below 0 as none.
 */
export function tasksDocument(state: MasterState, query: Query): LongText {
  return longDocument(state, (snapshot) => ({
    tasks: () => listPieces(taskTexts(snapshot, query)),
  }));
}

function* taskTexts(snapshot: Snapshot, query: Query): Generator<JsonText | undefined> {
  const found: Found[] = [];
  for (const task of tasksAsked(snapshot, query)) {
    if (task !== undefined) found.push(task);
    yield undefined;
  }
  const sign = query.order === "asc" ? 1 : -1;
  const sorted = yield* sortInSteps(found, (a, b) => sign * compareTimes(a.firstTime, b.firstTime));
  const offset = Math.max(0, wholeNumber(query.offset) ?? 0);
  const limit = wholeNumber(query.limit) ?? TASKS_SHOWN;
  const end = limit < 0 ? sorted.length : offset + limit;
  for (const { show } of sorted.slice(offset, end)) yield taskText(show());
}

function* tasksAsked(
  snapshot: Snapshot,
  { framework_id: frameworkId, task_id: taskId }: Query,
): Generator<Found | undefined> {
  const isAsked = ({ id }: { readonly id: string }): boolean =>
    frameworkId === undefined || id === frameworkId;
  const live = snapshot.frameworks.filter(isAsked);
  yield* liveTasksAsked(snapshot, live, taskId);
  for (const row of [...live, ...snapshot.completedFrameworks.filter(isAsked)]) {
    for (const { number, task } of completedEntriesOf(snapshot, row)) {
      const isWanted = taskId === undefined || task.task_id.value === taskId;
      const show = (): mesos.Task => completedTaskAt(snapshot.cold, number);
      yield isWanted ? { firstTime: firstTime(task.statuses?.[0]), show } : undefined;
    }
  }
}

/** Those that are unreachable come last. */
function* liveTasksAsked(
  snapshot: Snapshot,
  frameworks: readonly FrameworkRow[],
  taskId: string | undefined,
): Generator<Found | undefined> {
  const { ofFramework } = yield* groupsOf(snapshot);
  for (const reach of ["REACHABLE", "UNREACHABLE"] as const) {
    for (const framework of frameworks) {
      const { tasks } = ofFramework.get(framework.id) ?? NO_HOLDINGS;
      for (const row of tasks) {
        const isWanted = reachOf(row) === reach && (taskId === undefined || row.id === taskId);
        if (!isWanted) {
          yield undefined;
          continue;
        }
        const [first] = row.statuses;
        const time = firstTime(first === undefined ? undefined : decodeStatus(first));
        yield { firstTime: time, show: () => shownTask(snapshot, framework, row) };
      }
    }
  }
}

function firstTime(first: mesos.TaskStatus | undefined): number {
  return first === undefined ? Number.NEGATIVE_INFINITY : (first.timestamp ?? 0);
}

function compareTimes(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
