/**
 * What resources become when they are reserved, unreserved, or turned into persistent volumes and
 * back. Facts change, amounts stay.
 */
import { assert } from "../std/assert.ts";
import { normalize } from "./algebra.ts";
import type { Resource, Resources } from "./resource.ts";

/** What an offer operation makes of resources. In normal form, with equal amounts of each name. */
export interface Conversion {
  readonly consumed: Resources;
  readonly converted: Resources;
}

/** Reserved by an operation, not by the agent's configuration: only this can be unreserved. */
export function isDynamicallyReserved(resource: Resource): boolean {
  return resource.reservations.at(-1)?.type === "DYNAMIC";
}

export function isPersistentVolume(resource: Resource): boolean {
  return resource.disk?.persistence !== undefined;
}

/** Without the most refined reservation. Asserts that there is one. */
export function withoutLastReservation(resources: Resources): Resources {
  return normalize(
    resources.map((resource) => {
      assert(resource.reservations.length > 0, `${resource.name} is reserved`);
      return { ...resource, reservations: resource.reservations.slice(0, -1) };
    }),
  );
}

/** As the agent was configured: without dynamic reservations and without volumes. */
export function asConfigured(resources: Resources): Resources {
  return normalize(
    resources.map((resource) => {
      const { reservations } = resource;
      return {
        ...withoutVolume(resource),
        reservations: reservations.filter(({ type }) => type === "STATIC"),
      };
    }),
  );
}

/** The disk that a volume is on, as it was before; where the disk comes from (`source`) stays. */
export function withoutVolume(resource: Resource): Resource {
  const { disk, shared: _, ...facts } = resource;
  if (disk?.persistence === undefined) return resource;
  return disk.source === undefined ? facts : { ...facts, disk: { source: disk.source } };
}

/** The same for all of them. */
export function withoutVolumes(resources: Resources): Resources {
  return normalize(resources.map(withoutVolume));
}
