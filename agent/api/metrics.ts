/** The agent's metrics by their Mesos names. What is not there is 0, as Mesos has it. */
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import { quantitiesOf, quantityOf } from "../../worker/resources/quantities.ts";
import { customExecutor, isEnding } from "../core/custom-executors.ts";
import type { RunRow } from "../core/rows.ts";
import { decodeStored } from "../core/stored.ts";
import { liveExecutors, type ShownExecutor } from "./executors.ts";
import { allocated, total } from "./resources.ts";
import type { AgentView } from "./view.ts";

export type Metrics = readonly (readonly [name: string, value: number])[];

const STORE_PULLS = "containerizer/mesos/provisioner/docker_store/image_pull_ms";

/** Sorted by name. */
export function metricsOf(view: AgentView, nowMs: number): Metrics {
  const { state, counters, collector, fetchCache, startedMs } = view;
  const all: Record<string, number> = {
    "containerizer/fetcher/cache_size_total_bytes": fetchCache.bytesMax,
    "containerizer/fetcher/cache_size_used_bytes": fetchCache.bytesUsed,
    "containerizer/fetcher/task_fetches_failed": counters.fetchesFailed,
    "containerizer/fetcher/task_fetches_succeeded": counters.fetchesSucceeded,
    "containerizer/mesos/container_destroy_errors": 0,
    "containerizer/mesos/provisioner/bind/remove_rootfs_errors": 0,
    "containerizer/mesos/provisioner/remove_container_errors": 0,
    "gc/path_removals_failed": collector.failed,
    "gc/path_removals_pending": collector.pending,
    "gc/path_removals_succeeded": collector.succeeded,
    "resource_provider_manager/events/disconnect": 0,
    "resource_provider_manager/events/subscribe": 0,
    "resource_provider_manager/subscribed": 0,
    "slave/container_launch_errors": counters.launchErrors,
    "slave/executor_directory_max_allowed_age_secs": collector.ageAllowedMs / 1_000,
    "slave/frameworks_active": new Set(liveExecutors(view).map((each) => each.frameworkId)).size,
    "slave/invalid_framework_messages": state.executorTraffic.messagesDropped,
    "slave/invalid_status_updates": state.executorTraffic.updatesDropped,
    "slave/recovery_errors": 0,
    "slave/recovery_time_secs": counters.recoverySeconds ?? 0,
    "slave/registered": state.link.state === "UNREGISTERED" ? 0 : 1,
    "slave/uptime_secs": (nowMs - startedMs) / 1_000,
    "slave/valid_framework_messages": state.executorTraffic.messagesPassed,
    "slave/valid_status_updates": counters.statusUpdates,
    ...resourceMetrics(view),
    ...executorMetrics(view),
    ...taskMetrics(view),
    ...systemMetrics(),
    ...counters.imagePulls.DOCKER.metrics("containerizer/docker/image_pull_ms", nowMs),
    ...counters.imagePulls.MESOS.metrics(STORE_PULLS, nowMs),
  };
  return Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
}

function resourceMetrics({ state }: AgentView): Record<string, number> {
  const [has, used] = [total(state), allocated(state)].map(quantitiesOf);
  const metrics: Record<string, number> = {};
  for (const kind of ["cpus", "disk", "gpus", "mem"]) {
    const [most, taken] = [has, used].map((each) => quantityOf(each ?? {}, kind) / 1_000);
    metrics[`slave/${kind}_total`] = most ?? 0;
    metrics[`slave/${kind}_used`] = taken ?? 0;
    metrics[`slave/${kind}_percent`] = most ? (taken ?? 0) / most : 0;
    // Nothing is lent that its owner is not using: there are no revocable resources.
    for (const figure of ["total", "used", "percent"]) {
      metrics[`slave/${kind}_revocable_${figure}`] = 0;
    }
  }
  return metrics;
}

function executorMetrics(view: AgentView): Record<string, number> {
  const counts = { registering: 0, running: 0, terminating: 0 };
  for (const executor of liveExecutors(view)) counts[executorStage(view, executor)]++;
  return {
    "slave/executors_preempted": 0,
    "slave/executors_registering": counts.registering,
    "slave/executors_running": counts.running,
    "slave/executors_terminated": view.counters.executorsTerminated,
    "slave/executors_terminating": counts.terminating,
  };
}

function executorStage(
  { state }: AgentView,
  { containerId, tasks }: ShownExecutor,
): "registering" | "running" | "terminating" {
  const custom = customExecutor(state, containerId);
  if (custom !== undefined) {
    if (isEnding(custom)) return "terminating";
    return custom.process.state === "SUBSCRIBED" ? "running" : "registering";
  }
  const hasEnded = tasks.length > 0 && tasks.every(({ stage }) => stage === "TERMINATED");
  return hasEnded ? "terminating" : "running";
}

function taskMetrics({ state, counters }: AgentView): Record<string, number> {
  const counts = { staging: 0, starting: 0, running: 0, killing: 0 };
  for (const run of state.run.values()) {
    const stage = activeStage(run);
    if (stage !== undefined) counts[stage]++;
  }
  const all = { ...counts, ...counters.taskEnds };
  return Object.fromEntries(
    Object.entries(all).map(([stage, count]) => [`slave/tasks_${stage}`, count]),
  );
}

function activeStage({
  stage,
  status,
}: RunRow): "staging" | "starting" | "running" | "killing" | undefined {
  if (stage.state === "ENDED") return undefined;
  if (status === undefined) return "staging";
  const { state } = decodeStored("mesos.v1.TaskStatus", status);
  if (state === "TASK_STARTING") return "starting";
  return state === "TASK_KILLING" ? "killing" : "running";
}

function systemMetrics(): Record<string, number> {
  const [one, five, fifteen] = loadavg();
  return {
    "system/cpus_total": availableParallelism(),
    "system/load_15min": fifteen ?? 0,
    "system/load_1min": one ?? 0,
    "system/load_5min": five ?? 0,
    "system/mem_free_bytes": freemem(),
    "system/mem_total_bytes": totalmem(),
  };
}
