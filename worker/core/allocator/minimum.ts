/** Whether there is enough in it to make an offer of it (http-semantics 12.3, `allocatable`). */

import { isEmpty } from "../../resources/algebra.ts";
import type { Resource, Resources } from "../../resources/resource.ts";
import { unreachable } from "../../std/assert.ts";
import type { FrameworkRow, OfferMinimum } from "../rows.ts";

/** Mesos' default `min_allocatable_resources`: 0.01 cpus or 32 MB; either suffices. */
export const DEFAULT_MINIMUM: OfferMinimum["anyOf"] = [{ cpus: 10 }, { mem: 32_000 }];

/** One of these sets has to be in an offer; none: anything will do. */
export function minimumOf(framework: FrameworkRow, role: string): OfferMinimum["anyOf"] {
  const own = framework.offerMinimums?.find((minimum) => minimum.role === role);
  return own === undefined ? DEFAULT_MINIMUM : own.anyOf;
}

/** Nothing at all is no offer, whatever the framework takes. */
export function isAllocatable(
  framework: FrameworkRow,
  role: string,
  resources: Resources,
): boolean {
  if (isEmpty(resources)) return false;
  const anyOf = minimumOf(framework, role);
  return anyOf.length === 0 || anyOf.some((least) => hasAtLeast(resources, Object.entries(least)));
}

function hasAtLeast(resources: Resources, least: readonly [string, number][]): boolean {
  return least.every(([name, thousandths]) => amountIn(resources, name) >= thousandths);
}

/** As a minimum counts it: see `amountOf`. */
export function amountIn(resources: Resources, name: string): number {
  const amounts = resources.map((r) => (r.name === name ? amountOf(r) : 0));
  return amounts.reduce((sum, amount) => sum + amount, 0);
}

/** Thousandths; of ranges and sets every member counts one. */
function amountOf(resource: Resource): number {
  switch (resource.kind) {
    case "SCALAR":
      return resource.thousandths;
    case "RANGES":
      return resource.ranges.reduce((sum, [begin, end]) => sum + end - begin + 1, 0) * 1_000;
    case "SET":
      return resource.items.length * 1_000;
    default:
      return unreachable(resource);
  }
}
