/**
 * Every metric by its Mesos name: for `/metrics/snapshot` and GET_METRICS. What is not measured is
 * left out.
 *
 * All of them are of one moment. What has to be added up over the tasks, of which there may be very
 * many, is added up while the answer is read.
 */
import type * as master from "../../protocol/v1/master.ts";
import { double, object } from "../../protocol/wire/json-document.ts";
import type { MasterState } from "../state.ts";
import type { Counters } from "./counters.ts";
import { activeTaskMetrics, frameworkMetrics } from "./frameworks.ts";
import { gauges, type Metrics } from "./gauges.ts";
import { operationMetrics } from "./operations.ts";
import { RoleSums } from "./roles.ts";
import { TaskTally, taskMetrics } from "./tasks.ts";

export interface Measured {
  readonly state: MasterState;
  readonly nowMs: number;
  /** Without them: gauges only. */
  readonly counters?: Counters;
  /** What the object around the core measures of itself. */
  readonly shell?: Metrics;
}

interface Metric {
  readonly name: string;
  readonly value: number;
}

/** Yields where the reader may pause; returns the metrics sorted by name. */
export type Measuring = Generator<undefined, readonly Metric[]>;

/** Tasks gone through between two pauses. */
const TASKS_AT_ONCE = 256;

/** Only between steps: the state is read now, and only what was read is added up later. */
export function measure({ state, nowMs, counters, shell }: Measured): Measuring {
  const metrics = new Map(Object.entries(gauges(state, nowMs)));
  const add = (some: Iterable<readonly [string, number]>, prefix = ""): void => {
    for (const [name, value] of some) metrics.set(`${prefix}${name}`, value);
  };
  add(counters?.master ?? [], "master/");
  add(Object.entries(operationMetrics(state, counters)), "master/");
  add(Object.entries(frameworkMetrics(state, counters)));
  add(Object.entries(shell ?? {}));
  const frameworks = [...state.tables.framework.values()];
  const tasks = [...state.tables.task.values()];
  const roles = new RoleSums(state);
  return addUp();

  function* addUp(): Measuring {
    const tally = new TaskTally();
    for (const [at, task] of tasks.entries()) {
      tally.add(task);
      roles.addTask(task);
      if (at % TASKS_AT_ONCE === TASKS_AT_ONCE - 1) yield;
    }
    add(Object.entries(taskMetrics(frameworks, tally)));
    add(Object.entries(activeTaskMetrics(frameworks, tally)));
    add(Object.entries(roles.metrics()));
    return [...metrics]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value }));
  }
}

/** `/metrics/snapshot` */
export function metricsText(metrics: readonly Metric[]): string {
  return object(Object.fromEntries(metrics.map(({ name, value }) => [name, double(value)])));
}

export function metricsResponse(metrics: readonly Metric[]): master.Response {
  return { type: "GET_METRICS", get_metrics: { metrics } };
}

/** The whole of it at once. */
export function metricsOf(measured: Measured): readonly Metric[] {
  const measuring = measure(measured);
  for (;;) {
    const { done, value } = measuring.next();
    if (done === true) return value;
  }
}
