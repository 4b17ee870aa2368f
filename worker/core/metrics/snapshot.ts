/**
 * Every metric by its Mesos name: for `/metrics/snapshot` and GET_METRICS. What is not measured is
 * left out.
 */
import type * as master from "../../protocol/v1/master.ts";
import { double, object } from "../operator/documents/json-text.ts";
import type { MasterState } from "../state.ts";
import type { Counters } from "./counters.ts";
import { frameworkMetrics } from "./frameworks.ts";
import { gauges, type Metrics } from "./gauges.ts";
import { operationMetrics } from "./operations.ts";

export interface Measured {
  readonly state: MasterState;
  readonly nowMs: number;
  /** Without them: gauges only. */
  readonly counters?: Counters;
  /** What the object around the core measures of itself. */
  readonly shell?: Metrics;
}

/** `/metrics/snapshot`, sorted by name. */
export function metricsSnapshot(measured: Measured): string {
  const members = metricsOf(measured).map(({ name, value }) => [name, double(value)] as const);
  return object(Object.fromEntries(members));
}

export function getMetrics(measured: Measured): master.Response {
  return { type: "GET_METRICS", get_metrics: { metrics: metricsOf(measured) } };
}

/** Sorted by name. */
function metricsOf({ state, nowMs, counters, shell }: Measured): readonly Metric[] {
  const values = new Map(Object.entries(gauges(state, nowMs)));
  const add = (metrics: Iterable<readonly [string, number]>, prefix = ""): void => {
    for (const [name, value] of metrics) values.set(`${prefix}${name}`, value);
  };
  add(counters?.master ?? [], "master/");
  add(Object.entries(operationMetrics(state, counters)), "master/");
  add(Object.entries(frameworkMetrics(state, counters)));
  add(Object.entries(shell ?? {}));
  const names = [...values.keys()].sort();
  return names.map((name) => ({ name, value: values.get(name) ?? 0 }));
}

interface Metric {
  readonly name: string;
  readonly value: number;
}
