/** How a counter goes up. */

import type { Counters } from "./counters.ts";

export function count(counters: Counters, name: string, by = 1): void {
  counters.master.set(name, (counters.master.get(name) ?? 0) + by);
}

/** `calls/accept` also counts as `calls`, and so on. Undefined: nobody's. */
export function countFor(counters: Counters, frameworkId: string | undefined, name: string): void {
  if (frameworkId === undefined) return;
  const own = counters.frameworks.get(frameworkId) ?? new Map<string, number>();
  counters.frameworks.set(frameworkId, own);
  own.set(name, (own.get(name) ?? 0) + 1);
  const [kind = ""] = name.split("/");
  if (SUMS.includes(kind)) own.set(kind, (own.get(kind) ?? 0) + 1);
}

/** Kinds of a framework's counters that are also shown as a sum. */
export const SUMS: readonly string[] = ["calls", "events", "operations"];
