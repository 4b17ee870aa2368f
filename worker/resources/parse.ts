/**
 * Resource messages as they come → `Resources`. Everything that http-semantics 15.3 refuses is refused here, so
 * nobody checks again. Ignores `allocation_info`: `allocationRoles` reads it.
 */
import type * as mesos from "../protocol/v1/mesos.ts";
import { unreachable } from "../std/assert.ts";
import { err, ok, type Result } from "../std/result.ts";
import { normalize } from "./algebra.ts";
import { parseDisk } from "./parse-disk.ts";
import { parseReservations } from "./parse-reservations.ts";
import { parseItems, parseRanges, parseScalar, SCALAR_LIMIT } from "./parse-value.ts";
import type { Resource, Resources } from "./resource.ts";
import type { ResourceError, ResourceFault } from "./resource-error.ts";

export { describeResourceError, type ResourceError } from "./resource-error.ts";

/**
 * The first fault ends it. Messages without an amount (0, no ranges, no items) are valid and leave
 * nothing.
 */
export function parseResources(
  messages: readonly mesos.Resource[] | undefined,
): Result<Resources, ResourceError> {
  const entries: Resource[] = [];
  for (const [index, message] of (messages ?? []).entries()) {
    const entry = parseResource(message);
    if (!entry.ok) return err({ index, name: message.name, ...entry.error });
    entries.push(entry.value);
  }
  const resources = normalize(entries);
  const excess = resources.find(exceedsLimit);
  if (excess?.kind !== "SCALAR") return ok(resources);
  const { name, thousandths } = excess;
  const index = entries.findLastIndex((entry) => entry.name === name);
  const value = thousandths / 1_000;
  return err({ index, name, code: "SCALAR_TOO_LARGE", value, limit: SCALAR_LIMIT });
}

/** The roles that the messages say they are allocated to. All those of one task must be one. */
export function allocationRoles(
  messages: readonly mesos.Resource[] | undefined,
): ReadonlySet<string> {
  const roles = (messages ?? []).map((message) => message.allocation_info?.role);
  return new Set(roles.filter((role) => role !== undefined));
}

function parseResource(message: mesos.Resource): Result<Resource, ResourceFault> {
  if (message.name === "") return err({ code: "NAME_EMPTY" });
  if (message.name === "__proto__") return err({ code: "NAME_REFUSED" });
  const value = parseValue(message);
  if (!value.ok) return value;
  const reservations = parseReservations(message);
  if (!reservations.ok) return reservations;
  const disk = parseDisk(message, reservations.value);
  if (!disk.ok) return disk;
  const dynamic = reservations.value.some(({ type }) => type === "DYNAMIC");
  if (dynamic && message.revocable !== undefined) {
    return err({ code: "DYNAMIC_RESERVATION_REVOCABLE" });
  }
  if (message.shared !== undefined && disk.value?.persistence === undefined) {
    return err({ code: "SHARED_NOT_PERSISTENT" });
  }
  return ok({
    name: message.name,
    reservations: reservations.value,
    ...(disk.value !== undefined && { disk: disk.value }),
    ...(message.revocable !== undefined && { revocable: true }),
    ...(message.shared !== undefined && { shared: true }),
    ...(message.provider_id !== undefined && { providerId: message.provider_id.value }),
    ...value.value,
  });
}

type Value =
  | { readonly kind: "SCALAR"; readonly thousandths: number }
  | { readonly kind: "RANGES"; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly kind: "SET"; readonly items: readonly string[] };

const VALUE_FIELDS = ["scalar", "ranges", "set"] as const;

function parseValue(message: mesos.Resource): Result<Value, ResourceFault> {
  const { type } = message;
  if (type === "TEXT") return err({ code: "TYPE_NOT_FOR_RESOURCES", type });
  const own = type === "SCALAR" ? "scalar" : type === "RANGES" ? "ranges" : "set";
  const strange = VALUE_FIELDS.find((field) => field !== own && message[field] !== undefined);
  if (strange !== undefined) return err({ code: "VALUE_OF_OTHER_TYPE", type, field: strange });
  switch (type) {
    case "SCALAR": {
      if (message.scalar === undefined) return err({ code: "VALUE_MISSING", type, field: own });
      const thousandths = parseScalar(message.name, message.scalar.value);
      return thousandths.ok ? ok({ kind: type, thousandths: thousandths.value }) : thousandths;
    }
    case "RANGES": {
      if (message.ranges === undefined) return err({ code: "VALUE_MISSING", type, field: own });
      const ranges = parseRanges(message.ranges.range ?? []);
      return ranges.ok ? ok({ kind: type, ranges: ranges.value }) : ranges;
    }
    case "SET": {
      if (message.set === undefined) return err({ code: "VALUE_MISSING", type, field: own });
      const items = parseItems(message.set.item ?? []);
      return items.ok ? ok({ kind: type, items: items.value }) : items;
    }
    default:
      return unreachable(type);
  }
}

/** Several messages within the limit may add up to more than it. */
function exceedsLimit(resource: Resource): boolean {
  return resource.kind === "SCALAR" && resource.thousandths > SCALAR_LIMIT * 1_000;
}
