/** How many tasks are in which state, in one pass over them: a cluster may have very many. */
import type { FrameworkId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { defined } from "../../std/assert.ts";
import type { MasterState } from "../state.ts";
import { stateToldTo } from "../task/status.ts";

export type TaskCounts = ReadonlyMap<mesos.TaskState, number>;

/**
 * By framework, in the states that these are told of: an unreachable task of one that knows no
 * partitions is lost.
 */
export function countTasks(state: MasterState): ReadonlyMap<FrameworkId, TaskCounts> {
  const counts = new Map<FrameworkId, Map<mesos.TaskState, number>>();
  for (const { frameworkId, state: inState } of state.tables.task.values()) {
    const own = counts.get(frameworkId);
    if (own === undefined) counts.set(frameworkId, new Map([[inState, 1]]));
    else own.set(inState, (own.get(inState) ?? 0) + 1);
  }
  return new Map([...counts].map(([id, own]) => [id, asTold(state, id, own)]));
}

export function sumOfCounts(all: Iterable<TaskCounts>): TaskCounts {
  const sum = new Map<mesos.TaskState, number>();
  for (const counts of all) addTo(sum, counts);
  return sum;
}

function asTold(state: MasterState, id: FrameworkId, counts: TaskCounts): TaskCounts {
  const framework = defined(state.tables.framework.get(id), `${id}, which has tasks, is there`);
  const told = new Map<mesos.TaskState, number>();
  for (const [inState, n] of counts) addTo(told, [[stateToldTo(framework, inState), n]]);
  return told;
}

function addTo(
  sum: Map<mesos.TaskState, number>,
  counts: Iterable<readonly [mesos.TaskState, number]>,
): void {
  for (const [state, n] of counts) sum.set(state, (sum.get(state) ?? 0) + n);
}
