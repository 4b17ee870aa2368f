/**
 * Resources as everything inside counts them.
 *
 * Scalars are integer thousandths. Range bounds are safe integers (≤ 2^53 − 1); the wire carries
 * 64-bit bounds exactly, larger ones are refused when resources are parsed. The role that resources
 * are allocated to is not part of them: whoever holds them knows it.
 */
import type * as mesos from "../protocol/v1/mesos.ts";

export interface Reservation {
  readonly type: "STATIC" | "DYNAMIC";
  readonly role: string;
  readonly principal?: string;
  /** Sorted: labels are equal in any order. */
  readonly labels?: mesos.Labels;
}

interface ResourceFacts {
  readonly name: string;
  /** From the outermost to the most refined; empty = unreserved. */
  readonly reservations: readonly Reservation[];
  /** Without bytes and with sorted labels, as `parse-disk.ts` makes it: plain JSON. */
  readonly disk?: mesos.ResourceDiskInfo;
  readonly revocable?: true;
  readonly shared?: true;
  readonly providerId?: string;
}

export type Resource = ResourceFacts &
  (
    | { readonly kind: "SCALAR"; readonly thousandths: number }
    /** Sorted, disjoint, not adjacent; both ends included. */
    | { readonly kind: "RANGES"; readonly ranges: readonly (readonly [number, number])[] }
    /** Sorted, without duplicates. */
    | { readonly kind: "SET"; readonly items: readonly string[] }
  );

/**
 * In normal form: nothing empty, nothing that could be merged, sorted by name and then by the other
 * facts (`compare.ts`). Volumes and whole disks are never merged: equal ones stay side by side.
 */
export type Resources = readonly Resource[];

/** Thousandths per scalar resource's name. */
export type Quantities = Readonly<Record<string, number>>;
