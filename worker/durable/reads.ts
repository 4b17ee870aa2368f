/**
 * Reads of the master's state, between two turns: the operator API's read calls and the JSON
 * documents.
 */
import type { Counters } from "../core/metrics/counters.ts";
import { metricsSnapshot } from "../core/metrics/snapshot.ts";
import { documents } from "../core/operator/documents/index.ts";
import { operatorCalls } from "../core/operator/index.ts";
import type { MasterState } from "../core/state.ts";
import type { DocumentPath } from "../ports.ts";
import type * as master from "../protocol/v1/master.ts";

export interface Reading {
  readonly state: MasterState;
  readonly counters: Counters;
  readonly nowMs: number;
  /** Rows written since the object woke up: what this cluster costs. */
  readonly rowsWritten: number;
}

export function readCall(reading: Reading, call: master.Call): master.Response | undefined {
  const served = operatorCalls[call.type ?? "UNKNOWN"];
  if (served.kind !== "READ") return undefined;
  return served.read(reading.state, reading.nowMs, call);
}

export function readDocument(
  { state, counters, nowMs, rowsWritten }: Reading,
  path: DocumentPath,
  query: Readonly<Record<string, string>>,
): string {
  if (path !== "/metrics/snapshot") return documents[path](state, query, nowMs);
  counters.master.set("store/rows_written", rowsWritten);
  return metricsSnapshot(state, nowMs, counters);
}
