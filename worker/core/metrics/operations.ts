/**
 * Metrics of offer operations: how many there are in a state, and how many came to an end. Every
 * name is shown from the start.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { MasterState } from "../state.ts";
import { decodeStored } from "../stored.ts";
import type { Counters } from "./counters.ts";

/** How the metrics name an operation's type; undefined: it is none of those with a state. */
const TYPES: { readonly [T in mesos.OfferOperationType]: string | undefined } = {
  UNKNOWN: undefined,
  LAUNCH: undefined,
  LAUNCH_GROUP: undefined,
  RESERVE: "reserve",
  UNRESERVE: "unreserve",
  CREATE: "create",
  DESTROY: "destroy",
  GROW_VOLUME: "grow_volume",
  SHRINK_VOLUME: "shrink_volume",
  CREATE_DISK: "create_disk",
  DESTROY_DISK: "destroy_disk",
};

type Kind = "GAUGE" | "COUNTER";

/** States that an operation is in for a while are gauges, ends are counters. */
const STATES: { readonly [S in mesos.OperationState]: readonly [Kind, string] | undefined } = {
  OPERATION_UNSUPPORTED: undefined,
  OPERATION_UNKNOWN: undefined,
  OPERATION_PENDING: ["GAUGE", "pending"],
  OPERATION_RECOVERING: ["GAUGE", "recovering"],
  OPERATION_UNREACHABLE: ["GAUGE", "unreachable"],
  OPERATION_FINISHED: ["COUNTER", "finished"],
  OPERATION_FAILED: ["COUNTER", "failed"],
  OPERATION_ERROR: ["COUNTER", "error"],
  OPERATION_DROPPED: ["COUNTER", "dropped"],
  OPERATION_GONE_BY_OPERATOR: ["COUNTER", "gone_by_operator"],
};

export const operationTypes = Object.values(TYPES).filter((name) => name !== undefined);

export function operationType({ type }: mesos.OfferOperation): string | undefined {
  return TYPES[type ?? "UNKNOWN"];
}

/** Undefined: a state in which an operation may still be otherwise. */
export function operationCounter(state: mesos.OperationState): string | undefined {
  const [kind, name] = STATES[state] ?? [];
  return kind === "COUNTER" ? name : undefined;
}

/** Gauges and, with `counters`, ends and totals; by their names below "master/". */
export function operationMetrics(
  state: MasterState,
  counters: Counters | undefined,
): Readonly<Record<string, number>> {
  const metrics: Record<string, number> = {};
  const prefixes = ["operations", ...operationTypes.map((type) => `operations/${type}`)];
  for (const prefix of prefixes) {
    for (const named of Object.values(STATES)) {
      const [kind, name] = named ?? [];
      if (kind === "GAUGE") metrics[`${prefix}/${name}`] = 0;
      else if (kind === "COUNTER" && counters !== undefined) {
        metrics[`${prefix}/${name}`] = counters.master.get(`${prefix}/${name}`) ?? 0;
      }
    }
  }
  for (const row of state.tables.operation.values()) {
    const [kind, name] = STATES[row.state] ?? [];
    if (kind !== "GAUGE") continue;
    const type = operationType(decodeStored("mesos.v1.Offer.Operation", row.info));
    for (const prefix of type === undefined
      ? ["operations"]
      : ["operations", `operations/${type}`]) {
      metrics[`${prefix}/${name}`] = (metrics[`${prefix}/${name}`] ?? 0) + 1;
    }
  }
  if (counters === undefined) return metrics;
  const counted = Object.entries(metrics);
  for (const prefix of prefixes) {
    const own = counted.filter(([name]) => name.slice(0, name.lastIndexOf("/")) === prefix);
    metrics[`${prefix}/total`] = own.reduce((sum, [, value]) => sum + value, 0);
  }
  return metrics;
}
