/** `FrameworkInfo.offer_filters`: the least that a framework wants to be offered, role by role. */

import type * as mesos from "../../protocol/v1/mesos.ts";
import type { Quantities } from "../../resources/resource.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { OfferMinimum } from "../rows.ts";

export interface OfferFilterError {
  readonly role: string;
  readonly code: "SET_EMPTY" | "QUANTITY_INVALID";
  /** Of the quantity that is not valid: its resource, and its value. */
  readonly name?: string;
  readonly value?: number;
}

const SMALLEST_NORMAL = 2 ** -1022;

/** The roles need not be the framework's: a filter for another one waits for it. */
export function parseOfferFilters(
  info: mesos.FrameworkInfo,
): Result<readonly OfferMinimum[], OfferFilterError> {
  const minimums: OfferMinimum[] = [];
  for (const [role, filters] of Object.entries(info.offer_filters ?? {})) {
    const anyOf: Quantities[] = [];
    for (const { quantities = {} } of filters.min_allocatable_resources?.quantities ?? []) {
      const entries = Object.entries(quantities);
      if (entries.length === 0) return err({ role, code: "SET_EMPTY" });
      const wrong = entries.find(([, { value }]) => !isQuantity(value));
      if (wrong !== undefined) {
        const [name, { value }] = wrong;
        return err({ role, code: "QUANTITY_INVALID", name, value });
      }
      anyOf.push(
        Object.fromEntries(entries.map(([name, { value }]) => [name, thousandths(value)])),
      );
    }
    minimums.push({ role, anyOf });
  }
  return ok(minimums);
}

/** Finite, not negative, not subnormal. */
function isQuantity(value: number): boolean {
  return Number.isFinite(value) && (value === 0 || value >= SMALLEST_NORMAL);
}

/** More than any cluster has stays more than any cluster has. */
function thousandths(value: number): number {
  return Math.min(Math.round(value * 1_000), Number.MAX_SAFE_INTEGER);
}
