/**
 * Reads of the master's state, between two turns: the operator API's read calls and the JSON
 * documents.
 */
import type { Counters } from "../core/metrics/counters.ts";
import { getMetrics, metricsSnapshot } from "../core/metrics/snapshot.ts";
import { documents } from "../core/operator/documents/index.ts";
import { systemStats } from "../core/operator/documents/system-stats.ts";
import { operatorCalls } from "../core/operator/index.ts";
import type { MasterState } from "../core/state.ts";
import type { DocumentPath } from "../ports.ts";
import type * as master from "../protocol/v1/master.ts";

export interface Reading {
  readonly state: MasterState;
  readonly counters: Counters;
  readonly nowMs: number;
  /** What the object measures of itself. */
  readonly shell: Readonly<Record<string, number>>;
  readonly loggingLevel: number;
}

export function readCall(reading: Reading, call: master.Call): master.Response | undefined {
  const served = operatorCalls[call.type ?? "UNKNOWN"];
  if (served.kind === "READ") return served.read(reading.state, reading.nowMs, call);
  if (call.type === "GET_METRICS") return getMetrics(reading);
  if (call.type !== "GET_LOGGING_LEVEL") return undefined;
  return { type: call.type, get_logging_level: { level: reading.loggingLevel } };
}

export function readDocument(
  reading: Reading,
  path: DocumentPath,
  query: Readonly<Record<string, string>>,
): string {
  if (path === "/metrics/snapshot") return metricsSnapshot(reading);
  if (path === "/system/stats.json") return systemStats(reading.shell);
  return documents[path](reading.state, query, reading.nowMs);
}
