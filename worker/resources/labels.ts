/** Labels that are part of a resource's identity. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { compareText } from "./compare.ts";

/** Sorted, because labels are equal in any order; without labels = absent. */
export function labelsOf(message: mesos.Labels | undefined): mesos.Labels | undefined {
  const labels = (message?.labels ?? []).map(({ key, value }) =>
    value === undefined ? { key } : { key, value },
  );
  if (labels.length === 0) return undefined;
  return {
    labels: labels.sort(
      (a, b) => compareText(a.key, b.key) || compareText(a.value ?? "", b.value ?? ""),
    ),
  };
}
