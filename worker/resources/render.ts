/** `Resources` → resource messages, in either way to write a reservation. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { assert, unreachable } from "../std/assert.ts";
import type { Reservation, Resource, Resources } from "./resource.ts";
import { ANY_ROLE } from "./roles.ts";

export interface RenderOptions {
  /** The role that all of them are allocated to; absent = not said. */
  readonly allocationRole?: string;
  /**
   * True: `reservations`, for those with RESERVATION_REFINEMENT. False: `role` and `reservation`,
   * which cannot say more than one reservation: asserts that `withoutRefinements` was used.
   */
  readonly refinedReservations: boolean;
}

export function renderResources(resources: Resources, options: RenderOptions): mesos.Resource[] {
  const { allocationRole, refinedReservations } = options;
  return resources.map((resource) => ({
    name: resource.name,
    ...renderValue(resource),
    ...(refinedReservations ? renderStack(resource) : renderOld(resource)),
    ...(allocationRole !== undefined && { allocation_info: { role: allocationRole } }),
    ...renderFacts(resource),
  }));
}

/**
 * As the state documents show them (`reserved_resources_full` and the like): `role` and
 * `reservation` where they can say it, and `reservations` as well.
 */
export function renderForDocuments(resources: Resources): mesos.Resource[] {
  return resources.map((resource) => ({
    name: resource.name,
    ...renderValue(resource),
    ...(resource.reservations.length < 2 && renderOld(resource)),
    ...renderStack(resource),
    ...renderFacts(resource),
  }));
}

function renderFacts(resource: Resource): Partial<mesos.Resource> {
  const { disk, revocable, shared, providerId } = resource;
  return {
    ...(disk !== undefined && { disk }),
    ...(revocable && { revocable: {} }),
    ...(shared && { shared: {} }),
    ...(providerId !== undefined && { provider_id: { value: providerId } }),
  };
}

function renderValue(
  resource: Resource,
): Pick<mesos.Resource, "type" | "scalar" | "ranges" | "set"> {
  switch (resource.kind) {
    case "SCALAR":
      return { type: "SCALAR", scalar: { value: resource.thousandths / 1_000 } };
    case "RANGES": {
      const range = resource.ranges.map(([begin, end]) => ({
        begin: BigInt(begin),
        end: BigInt(end),
      }));
      return { type: "RANGES", ranges: { range } };
    }
    case "SET":
      return { type: "SET", set: { item: resource.items } };
    default:
      return unreachable(resource);
  }
}

function renderStack({ reservations }: Resource): Pick<mesos.Resource, "reservations"> {
  if (reservations.length === 0) return {};
  return {
    reservations: reservations.map(({ type, role, ...facts }) => ({ type, role, ...facts })),
  };
}

function renderOld(resource: Resource): Pick<mesos.Resource, "role" | "reservation"> {
  const [reservation, refinement] = resource.reservations;
  assert(refinement === undefined, `${resource.name} is reserved at most once`);
  if (reservation === undefined) return { role: ANY_ROLE };
  const { type, role, ...facts }: Reservation = reservation;
  return type === "STATIC" ? { role } : { role, reservation: facts };
}
