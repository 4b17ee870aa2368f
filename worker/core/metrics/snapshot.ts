/** `/metrics/snapshot`: every metric by its Mesos name, sorted. What is not counted is left out. */

import { double, type JsonText, object } from "../operator/documents/json-text.ts";
import type { MasterState } from "../state.ts";
import type { Counters } from "./counters.ts";
import { frameworkPrefix } from "./framework-gauges.ts";
import { gauges } from "./gauges.ts";

/** Without `counters`: gauges only. */
export function metricsSnapshot(state: MasterState, nowMs: number, counters?: Counters): string {
  const values = new Map(Object.entries(gauges(state, nowMs)));
  for (const [name, value] of counters?.master ?? []) values.set(`master/${name}`, value);
  for (const framework of state.tables.framework.values()) {
    const prefix = frameworkPrefix(framework);
    for (const [name, value] of counters?.frameworks.get(framework.id) ?? []) {
      values.set(`${prefix}/${name}`, value);
    }
  }
  const names = [...values.keys()].sort();
  const members: Record<string, JsonText> = {};
  for (const name of names) members[name] = double(values.get(name) ?? 0);
  return object(members);
}
