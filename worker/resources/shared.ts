/**
 * Shared volumes: an agent has one, and any number of tasks and offers may hold it at once. Among
 * what is held every holder has its own copy.
 */
import { contains, normalize, subtract } from "./algebra.ts";
import { compareEntries } from "./compare.ts";
import type { Resource, Resources } from "./resource.ts";

/** Whether `total` has what is held: of a shared volume any number of copies. */
export function covers(total: Resources, held: Resources): boolean {
  return contains(total, withoutCopies(held));
}

/** What of `total` may be given away beside what is held. Asserts `covers(total, held)`. */
export function leftOf(total: Resources, held: Resources): Resources {
  return held.some(isShared) ? subtract(total, notShared(held)) : subtract(total, held);
}

/** Every shared volume once. */
export function withoutCopies(resources: Resources): Resources {
  const isCopy = (entry: Resource, at: number): boolean => {
    const before = resources[at - 1];
    return isShared(entry) && before !== undefined && compareEntries(before, entry) === 0;
  };
  return resources.some(isShared) ? resources.filter((entry, at) => !isCopy(entry, at)) : resources;
}

export function notShared(resources: Resources): Resources {
  return resources.filter((resource) => !isShared(resource));
}

export function shared(resources: Resources): Resources {
  return resources.filter(isShared);
}

function isShared(resource: Resource): boolean {
  return resource.shared === true;
}

/** The union of what several holders have, shared volumes once. */
export function pooled(parts: readonly Resources[]): Resources {
  return withoutCopies(normalize(parts.flat()));
}
