/**
 * A custom executor as a command task of its id: it is fetched, confined and started in the same
 * way. What it may use is its own and its tasks' together.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { ResourceLimits } from "../containerizer/containerizer.ts";
import { resourceLimits } from "./container-spec.ts";
import type { Launch } from "./effect.ts";
import { milliseconds } from "./grace.ts";
import type { ExecutorRow, RunRow } from "./rows.ts";
import type { ExecutorTimes } from "./state.ts";
import { decodeStored } from "./stored.ts";

/** `runs`: those of it that live. */
export function executorLaunch(
  row: ExecutorRow,
  framework: mesos.FrameworkInfo,
  { runs, times }: { readonly runs: readonly RunRow[]; readonly times: ExecutorTimes },
): Launch {
  const info = decodeStored("mesos.v1.ExecutorInfo", row.info);
  const custom = {
    shutdownGraceMs: executorGraceMs(info, times),
    reregistrationMs: times.reregistrationMs,
  };
  return { containerId: row.containerId, framework, task: executorTask(row, info, runs), custom };
}

export function executorLimits(row: ExecutorRow, runs: readonly RunRow[]): ResourceLimits {
  const info = decodeStored("mesos.v1.ExecutorInfo", row.info);
  return resourceLimits(executorTask(row, info, runs));
}

/** Between SHUTDOWN and SIGKILL. */
export function executorGraceMs(info: mesos.ExecutorInfo, times: ExecutorTimes): number {
  return milliseconds(info.shutdown_grace_period) ?? times.shutdownGraceMs;
}

function executorTask(
  { agentId }: ExecutorRow,
  info: mesos.ExecutorInfo,
  runs: readonly RunRow[],
): mesos.TaskInfo {
  const { command, container, labels, discovery } = info;
  const tasks = runs.map((run) => decodeStored("mesos.v1.TaskInfo", run.info));
  const limits = sumOfLimits(info, tasks);
  return {
    name: info.name ?? info.executor_id.value,
    task_id: info.executor_id,
    agent_id: { value: agentId },
    resources: [info, ...tasks].flatMap(({ resources }) => resources ?? []),
    ...(command !== undefined && { command }),
    ...(container !== undefined && { container }),
    ...(labels !== undefined && { labels }),
    ...(discovery !== undefined && { discovery }),
    ...(limits !== undefined && { limits }),
  };
}

/** Where a task has a limit of its own, the executor's is the sum of limits, or of requests. */
function sumOfLimits(
  info: mesos.ExecutorInfo,
  tasks: readonly mesos.TaskInfo[],
): mesos.TaskInfo["limits"] {
  const names = ["cpus", "mem"].filter((name) =>
    tasks.some(({ limits }) => limits?.[name] !== undefined),
  );
  if (names.length === 0) return undefined;
  const sum = (name: string): number =>
    tasks.reduce(
      (total, task) => total + (task.limits?.[name]?.value ?? scalar(task.resources, name)),
      scalar(info.resources, name),
    );
  return Object.fromEntries(names.map((name) => [name, { value: sum(name) }]));
}

function scalar(resources: readonly mesos.Resource[] | undefined, wanted: string): number {
  return (resources ?? [])
    .filter(({ name }) => name === wanted)
    .reduce((total, { scalar }) => total + (scalar?.value ?? 0), 0);
}
