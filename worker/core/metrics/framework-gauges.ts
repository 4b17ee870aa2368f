/** Gauges of single frameworks, and how the metrics of one are named. */
import { frameworkInfo } from "../framework/info.ts";
import type { FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { stateToldTo } from "../task/status.ts";

/** The states a task can be in before it ends, as the metrics name them. */
const ACTIVE_STATES = [
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_UNREACHABLE",
] as const;

/** "master/frameworks/<name>/<id>": names may hold anything, so they are percent-encoded. */
export function frameworkPrefix(framework: FrameworkRow): string {
  // Half a surrogate pair has no encoding.
  const name = frameworkInfo(framework).name.replace(/\p{Surrogate}/gu, "\ufffd");
  return `master/frameworks/${encodeURIComponent(name)}/${framework.id}`;
}

export function frameworkGauges(state: MasterState): Readonly<Record<string, number>> {
  const metrics: Record<string, number> = {};
  for (const framework of state.tables.framework.values()) {
    const prefix = frameworkPrefix(framework);
    metrics[`${prefix}/subscribed`] = framework.connection.state === "CONNECTED" ? 1 : 0;
    for (const role of framework.roles) {
      const suppressed = framework.suppressedRoles.includes(role);
      metrics[`${prefix}/roles/${role}/suppressed`] = suppressed ? 1 : 0;
    }
    const states = state.index
      .tasksOfFramework(framework.id)
      .map((task) => stateToldTo(framework, task.state));
    for (const active of ACTIVE_STATES) {
      const count = states.filter((shown) => shown === active).length;
      metrics[`${prefix}/tasks/active/${active.toLowerCase()}`] = count;
    }
  }
  return metrics;
}
