/**
 * Sums of scalars by name, reservations and other facts left aside; for shares, quota and minimums.
 */
import { assert } from "../std/assert.ts";
import type { Quantities, Resources } from "./resource.ts";

export const NO_QUANTITIES: Quantities = {};

/** Thousandths of one kind; 0 when it is not there. Safe for any name, "constructor" too. */
export function quantityOf(quantities: Quantities, name: string): number {
  return Object.hasOwn(quantities, name) ? (quantities[name] ?? 0) : 0;
}

/** The scalars among the resources, summed by name. Ranges and sets do not count. */
export function quantitiesOf(resources: Resources): Quantities {
  const sums: Record<string, number> = {};
  for (const resource of resources) {
    if (resource.kind !== "SCALAR") continue;
    sums[resource.name] = quantityOf(sums, resource.name) + resource.thousandths;
  }
  return sums;
}

export function addQuantities(a: Quantities, b: Quantities): Quantities {
  const sums = { ...a };
  for (const [name, thousandths] of Object.entries(b)) {
    sums[name] = quantityOf(sums, name) + thousandths;
  }
  return sums;
}

/** Kinds that reach 0 are left out. Asserts `containsQuantities(a, b)`: the caller has checked. */
export function subtractQuantities(a: Quantities, b: Quantities): Quantities {
  const rest = { ...a };
  for (const [name, thousandths] of Object.entries(b)) {
    const left = quantityOf(rest, name) - thousandths;
    assert(left >= 0, `quantities contain the ${name} that is subtracted from them`);
    if (left === 0) delete rest[name];
    else rest[name] = left;
  }
  return rest;
}

/** Whether `a` has at least as much as `b` of every kind. */
export function containsQuantities(a: Quantities, b: Quantities): boolean {
  return Object.entries(b).every(([name, thousandths]) => quantityOf(a, name) >= thousandths);
}

export function isEmptyQuantities(quantities: Quantities): boolean {
  return Object.values(quantities).every((thousandths) => thousandths === 0);
}
