/**
 * The order of resources within `Resources`, and which of them are one.
 *
 * Resources of equal facts are added into one, except indivisible ones (persistent volumes, mounted
 * disks and the like), which stay side by side: two equal entries of a shared volume mean that it
 * is there twice.
 */
import { unreachable } from "../std/assert.ts";
import type { Reservation, Resource } from "./resource.ts";

/** Total order over entries: 0 = equal facts, and for indivisible ones also equal size. */
export function compareEntries(a: Resource, b: Resource): number {
  return (
    compareText(a.name, b.name) ||
    compareText(a.kind, b.kind) ||
    compareReservations(a.reservations, b.reservations) ||
    Number(a.revocable ?? false) - Number(b.revocable ?? false) ||
    Number(a.shared ?? false) - Number(b.shared ?? false) ||
    compareOptional(a.providerId, b.providerId) ||
    compareDisks(a, b)
  );
}

/** Given or taken whole or not at all: a volume's data and a mounted file system cannot be cut. */
export function isIndivisible(resource: Resource): boolean {
  const disk = resource.disk;
  if (disk === undefined) return false;
  if (disk.persistence !== undefined) return true;
  if (disk.source === undefined) return false;
  const { type, id } = disk.source;
  switch (type) {
    case "MOUNT":
    case "BLOCK":
      return true;
    case "RAW":
      return id !== undefined;
    case "PATH":
    case "UNKNOWN":
      return false;
    default:
      return unreachable(type);
  }
}

function compareDisks(a: Resource, b: Resource): number {
  if (a.disk === undefined && b.disk === undefined) return 0;
  const facts = a.disk === b.disk ? 0 : compareJson(a.disk, b.disk);
  if (facts !== 0 || !isIndivisible(a)) return facts;
  if (a.kind !== "SCALAR" || b.kind !== "SCALAR") return 0;
  return a.thousandths - b.thousandths;
}

function compareReservations(a: readonly Reservation[], b: readonly Reservation[]): number {
  if (a === b) return 0;
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [left, right] = [a[at] as Reservation, b[at] as Reservation];
    const order =
      compareText(left.role, right.role) ||
      compareText(left.type, right.type) ||
      compareOptional(left.principal, right.principal) ||
      compareJson(left.labels, right.labels);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareOptional(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  return b === undefined ? 1 : compareText(a, b);
}

/** Absent comes first; otherwise by the text of a value whose object keys are in order. */
function compareJson(a: object | undefined, b: object | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  return b === undefined ? 1 : compareText(canonicalText(a), canonicalText(b));
}

function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => compareText(a, b)));
  });
}
