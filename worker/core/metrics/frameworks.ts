/**
 * Metrics of single frameworks: every name is shown from the framework's first moment.
 *
 * A removed framework keeps its metrics, as in Mesos, for as long as it is listed as completed; one
 * that was removed in an earlier life of the object has none left.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { frameworkInfo, rolesOf } from "../framework/info.ts";
import type { CompletedFrameworkRow, FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import type { Counters } from "./counters.ts";
import { SUMS } from "./increments.ts";
import { operationTypes } from "./operations.ts";
import type { TaskTally } from "./tasks.ts";

/** The states a task can be in before it ends, as the metrics name them. */
const ACTIVE_STATES = [
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_UNREACHABLE",
  "TASK_UNKNOWN",
] as const;

const ENDS: readonly mesos.TaskState[] = [
  "TASK_DROPPED",
  "TASK_ERROR",
  "TASK_FAILED",
  "TASK_FINISHED",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
  "TASK_KILLED",
  "TASK_LOST",
];

/** Which of them have a counter: all but the placeholder. */
const CALLS: { readonly [T in scheduler.CallType]: boolean } = {
  UNKNOWN: false,
  SUBSCRIBE: true,
  TEARDOWN: true,
  ACCEPT: true,
  DECLINE: true,
  ACCEPT_INVERSE_OFFERS: true,
  DECLINE_INVERSE_OFFERS: true,
  REVIVE: true,
  SUPPRESS: true,
  KILL: true,
  SHUTDOWN: true,
  ACKNOWLEDGE: true,
  ACKNOWLEDGE_OPERATION_STATUS: true,
  RECONCILE: true,
  RECONCILE_OPERATIONS: true,
  MESSAGE: true,
  REQUEST: true,
  UPDATE_FRAMEWORK: true,
};

const EVENTS: { readonly [T in scheduler.EventType]: boolean } = {
  UNKNOWN: false,
  SUBSCRIBED: true,
  OFFERS: true,
  INVERSE_OFFERS: true,
  RESCIND: true,
  RESCIND_INVERSE_OFFER: true,
  UPDATE: true,
  UPDATE_OPERATION_STATUS: true,
  MESSAGE: true,
  FAILURE: true,
  ERROR: true,
  HEARTBEAT: true,
};

const COUNTERS: readonly string[] = [
  ...SUMS,
  ...namesOf(CALLS).map((name) => `calls/${name}`),
  ...namesOf(EVENTS).map((name) => `events/${name}`),
  ...["launch", "launch_group", ...operationTypes].map((name) => `operations/${name}`),
  ...["sent", "accepted", "declined", "rescinded"].map((name) => `offers/${name}`),
  ...ENDS.map((state) => `tasks/terminal/${state.toLowerCase()}`),
];

function namesOf(table: Readonly<Record<string, boolean>>): readonly string[] {
  const entries = Object.entries(table).filter(([, hasCounter]) => hasCounter);
  return entries.map(([name]) => name.toLowerCase());
}

/**
 * All but how many tasks are active. Without `counters`: gauges only, and those of live frameworks
 * only.
 */
export function frameworkMetrics(
  state: MasterState,
  counters: Counters | undefined,
): Readonly<Record<string, number>> {
  const metrics: Record<string, number> = {};
  const add = (prefix: string, values: Readonly<Record<string, number>>): void => {
    for (const [name, value] of Object.entries(values)) metrics[`${prefix}/${name}`] = value;
  };
  for (const row of state.tables.framework.values()) {
    add(frameworkPrefix(row), gaugesOf(row));
    if (counters !== undefined) add(frameworkPrefix(row), countersOf(counters, row.id));
  }
  for (const row of state.tables.completedFramework.values()) {
    if (counters === undefined || !counters.frameworks.has(row.id)) continue;
    add(frameworkPrefix(row), gaugesOfCompleted(row));
    add(frameworkPrefix(row), countersOf(counters, row.id));
  }
  return metrics;
}

/** How many of each framework's tasks are in a state before the end. */
export function activeTaskMetrics(
  frameworks: readonly FrameworkRow[],
  tally: TaskTally,
): Readonly<Record<string, number>> {
  const metrics: Record<string, number> = {};
  for (const framework of frameworks) {
    const told = tally.toldTo(framework);
    const prefix = frameworkPrefix(framework);
    for (const active of ACTIVE_STATES) {
      metrics[`${prefix}/${activeName(active)}`] = told.get(active) ?? 0;
    }
  }
  return metrics;
}

/** "master/frameworks/<name>/<id>": names may hold anything, so they are percent-encoded. */
function frameworkPrefix(framework: FrameworkRow | CompletedFrameworkRow): string {
  // Half a surrogate pair has no encoding.
  const name = frameworkInfo(framework).name.replace(/\p{Surrogate}/gu, "\ufffd");
  return `master/frameworks/${encodeURIComponent(name)}/${framework.id}`;
}

function gaugesOf(framework: FrameworkRow): Record<string, number> {
  const metrics: Record<string, number> = {
    subscribed: framework.connection.state === "CONNECTED" ? 1 : 0,
  };
  for (const role of framework.roles) {
    metrics[`roles/${role}/suppressed`] = framework.suppressedRoles.includes(role) ? 1 : 0;
  }
  return metrics;
}

/** Nothing is left of it; the roles are those of its last FrameworkInfo. */
function gaugesOfCompleted(framework: CompletedFrameworkRow): Record<string, number> {
  const metrics: Record<string, number> = { subscribed: 0 };
  for (const role of rolesOf(frameworkInfo(framework))) metrics[`roles/${role}/suppressed`] = 0;
  for (const active of ACTIVE_STATES) metrics[activeName(active)] = 0;
  return metrics;
}

function activeName(state: mesos.TaskState): string {
  return `tasks/active/${state.toLowerCase()}`;
}

function countersOf(counters: Counters, frameworkId: string): Record<string, number> {
  const own = counters.frameworks.get(frameworkId);
  return Object.fromEntries(COUNTERS.map((name) => [name, own?.get(name) ?? 0]));
}
