/**
 * Addition, subtraction and containment of resources.
 *
 * 1. Every `Resources` taken and given is in normal form; `normalize` makes it. 2. Scalars are
 * integers, so nothing drifts: (a + b) − b = a whenever a and b have no range, set item in common.
 * 3. Containment goes by all facts: what is reserved does not contain what is not. Does not know
 * agents, offers or allocation roles.
 */
import { assert, unreachable } from "../std/assert.ts";
import { compareEntries, compareText, isIndivisible } from "./compare.ts";
import { addRanges, containsRanges, normalizeRanges, subtractRanges } from "./ranges.ts";
import type { Resource, Resources } from "./resource.ts";
import { mayUse } from "./roles.ts";

export const NO_RESOURCES: Resources = [];

/** Any entries, also empty, equal or overlapping ones → normal form. */
export function normalize(entries: readonly Resource[]): Resources {
  const sorted = entries
    .map(normalizeValue)
    .filter((entry) => !isEmptyValue(entry))
    .sort(compareEntries);
  const merged: Resource[] = [];
  for (const entry of sorted) pushMerged(merged, entry);
  return merged;
}

/** Union, for scalars the sum. */
export function add(a: Resources, b: Resources): Resources {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const sum: Resource[] = [];
  let left = 0;
  let right = 0;
  while (left < a.length || right < b.length) {
    const [mine, other] = [a[left], b[right]];
    const takeLeft =
      other === undefined || (mine !== undefined && compareEntries(mine, other) <= 0);
    pushMerged(sum, (takeLeft ? a[left++] : b[right++]) as Resource);
  }
  return sum;
}

/** What of `a` is left without `b`. Asserts `contains(a, b)`: the caller has checked. */
export function subtract(a: Resources, b: Resources): Resources {
  if (b.length === 0) return a;
  const rest: Resource[] = [];
  let right = 0;
  for (const entry of a) {
    const taken = b[right];
    if (taken === undefined || compareEntries(entry, taken) !== 0) {
      rest.push(entry);
      continue;
    }
    right++;
    assert(containsEntry(entry, taken), `${entry.name} contains what is subtracted from it`);
    const left = subtractValue(entry, taken);
    if (!isEmptyValue(left)) rest.push(left);
  }
  assert(right === b.length, "resources contain what is subtracted from them");
  return rest;
}

/** Whether all of `b` is in `a`. Everything contains nothing. */
export function contains(a: Resources, b: Resources): boolean {
  let left = 0;
  for (const wanted of b) {
    while (left < a.length && compareEntries(a[left] as Resource, wanted) < 0) left++;
    const entry = a[left++];
    if (entry === undefined || !containsEntry(entry, wanted)) return false;
  }
  return true;
}

/** What is in both, of scalars the smaller amount. `subtract(a, common(a, b))`: what `b` lacks. */
export function common(a: Resources, b: Resources): Resources {
  const both: Resource[] = [];
  let left = 0;
  let right = 0;
  while (left < a.length && right < b.length) {
    const [mine, other] = [a[left] as Resource, b[right] as Resource];
    const order = compareEntries(mine, other);
    if (order <= 0) left++;
    if (order >= 0) right++;
    if (order !== 0) continue;
    const value = commonValue(mine, other);
    if (!isEmptyValue(value)) both.push(value);
  }
  return both;
}

export function equals(a: Resources, b: Resources): boolean {
  return a.length === b.length && contains(a, b) && contains(b, a);
}

export function isEmpty(resources: Resources): boolean {
  return resources.length === 0;
}

/** What a framework may use in `role`: unreserved, or reserved to the role or an ancestor of it. */
export function resourcesFor(resources: Resources, role: string): Resources {
  return resources.filter((resource) => {
    const reserved = reservedRole(resource);
    return reserved === undefined || mayUse(role, reserved);
  });
}

export function unreserved(resources: Resources): Resources {
  return resources.filter((resource) => resource.reservations.length === 0);
}

/** Reserved to exactly this role. */
export function reservedTo(resources: Resources, role: string): Resources {
  return resources.filter((resource) => reservedRole(resource) === role);
}

/** The roles that something is reserved to, sorted. */
export function reservedRoles(resources: Resources): readonly string[] {
  const roles = resources.map(reservedRole).filter((role) => role !== undefined);
  return [...new Set(roles)].sort(compareText);
}

/**
 * The role that a resource is reserved to: that of its most refined reservation. Undefined:
 * unreserved.
 */
export function reservedRole(resource: Resource): string | undefined {
  return resource.reservations.at(-1)?.role;
}

/** Without those that RESERVATION_REFINEMENT is needed to understand (reserved more than once). */
export function withoutRefinements(resources: Resources): Resources {
  return resources.filter((resource) => resource.reservations.length < 2);
}

function pushMerged(merged: Resource[], entry: Resource): void {
  const last = merged.at(-1);
  const joins = last !== undefined && !isIndivisible(entry) && compareEntries(last, entry) === 0;
  if (joins) merged[merged.length - 1] = addValue(last, entry);
  else merged.push(entry);
}

function normalizeValue(resource: Resource): Resource {
  switch (resource.kind) {
    case "SCALAR":
      assert(Number.isInteger(resource.thousandths), `${resource.name} is in whole thousandths`);
      assert(resource.thousandths >= 0, `${resource.name} is not negative`);
      return resource;
    case "RANGES":
      return { ...resource, ranges: normalizeRanges(resource.ranges) };
    case "SET":
      return { ...resource, items: sortedItems(resource.items) };
    default:
      return unreachable(resource);
  }
}

function isEmptyValue(resource: Resource): boolean {
  switch (resource.kind) {
    case "SCALAR":
      return resource.thousandths === 0;
    case "RANGES":
      return resource.ranges.length === 0;
    case "SET":
      return resource.items.length === 0;
    default:
      return unreachable(resource);
  }
}

function addValue(a: Resource, b: Resource): Resource {
  if (a.kind === "SCALAR" && b.kind === "SCALAR") {
    return { ...a, thousandths: a.thousandths + b.thousandths };
  }
  if (a.kind === "RANGES" && b.kind === "RANGES") {
    return { ...a, ranges: addRanges(a.ranges, b.ranges) };
  }
  assert(a.kind === "SET" && b.kind === "SET", `${a.name} is of one kind`);
  return { ...a, items: sortedItems([...a.items, ...b.items]) };
}

function subtractValue(a: Resource, b: Resource): Resource {
  if (a.kind === "SCALAR" && b.kind === "SCALAR") {
    return { ...a, thousandths: a.thousandths - b.thousandths };
  }
  if (a.kind === "RANGES" && b.kind === "RANGES") {
    return { ...a, ranges: subtractRanges(a.ranges, b.ranges) };
  }
  assert(a.kind === "SET" && b.kind === "SET", `${a.name} is of one kind`);
  const taken = new Set(b.items);
  return { ...a, items: a.items.filter((item) => !taken.has(item)) };
}

function commonValue(a: Resource, b: Resource): Resource {
  if (a.kind === "SCALAR" && b.kind === "SCALAR") {
    return { ...a, thousandths: Math.min(a.thousandths, b.thousandths) };
  }
  if (a.kind === "RANGES" && b.kind === "RANGES") {
    return { ...a, ranges: subtractRanges(a.ranges, subtractRanges(a.ranges, b.ranges)) };
  }
  assert(a.kind === "SET" && b.kind === "SET", `${a.name} is of one kind`);
  const items = new Set(b.items);
  return { ...a, items: a.items.filter((item) => items.has(item)) };
}

function containsEntry(entry: Resource, wanted: Resource): boolean {
  if (compareEntries(entry, wanted) !== 0) return false;
  if (entry.kind === "SCALAR" && wanted.kind === "SCALAR") {
    return entry.thousandths >= wanted.thousandths;
  }
  if (entry.kind === "RANGES" && wanted.kind === "RANGES") {
    return containsRanges(entry.ranges, wanted.ranges);
  }
  assert(entry.kind === "SET" && wanted.kind === "SET", `${entry.name} is of one kind`);
  const items = new Set(entry.items);
  return wanted.items.every((item) => items.has(item));
}

function sortedItems(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort(compareText);
}
