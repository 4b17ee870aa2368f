/** How many tasks are in which state. */
import type { FrameworkId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { FrameworkRow, TaskRow } from "../rows.ts";
import { stateToldTo } from "../task/status.ts";

type StateCounts = ReadonlyMap<mesos.TaskState, number>;

export class TaskTally {
  readonly #counts = new Map<FrameworkId, Map<mesos.TaskState, number>>();

  add({ frameworkId, state }: TaskRow): void {
    const own = this.#counts.get(frameworkId);
    if (own === undefined) this.#counts.set(frameworkId, new Map([[state, 1]]));
    else addTo(own, state, 1);
  }

  /**
   * A framework's tasks in the states that it is told of: an unreachable one is lost for a
   * framework that knows no partitions.
   */
  toldTo(framework: FrameworkRow): StateCounts {
    const told = new Map<mesos.TaskState, number>();
    for (const [state, n] of this.#counts.get(framework.id) ?? []) {
      addTo(told, stateToldTo(framework, state), n);
    }
    return told;
  }
}

/** `frameworks`: all that have tasks. */
export function taskMetrics(
  frameworks: readonly FrameworkRow[],
  tally: TaskTally,
): Readonly<Record<string, number>> {
  const sum = new Map<mesos.TaskState, number>();
  for (const framework of frameworks) {
    for (const [state, n] of tally.toldTo(framework)) addTo(sum, state, n);
  }
  return {
    "master/tasks_staging": sum.get("TASK_STAGING") ?? 0,
    "master/tasks_starting": sum.get("TASK_STARTING") ?? 0,
    "master/tasks_running": sum.get("TASK_RUNNING") ?? 0,
    "master/tasks_killing": sum.get("TASK_KILLING") ?? 0,
    "master/tasks_unreachable": sum.get("TASK_UNREACHABLE") ?? 0,
  };
}

function addTo(counts: Map<mesos.TaskState, number>, state: mesos.TaskState, n: number): void {
  counts.set(state, (counts.get(state) ?? 0) + n);
}
