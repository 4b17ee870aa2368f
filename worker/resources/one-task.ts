/**
 * What the resources of one task (executor, or task and executor together) must keep among
 * themselves.
 */
import { unreachable } from "../std/assert.ts";
import type { Resources } from "./resource.ts";

export type OneTaskError =
  | { readonly code: "PERSISTENCE_ID_REPEATED"; readonly id: string }
  /** Revocable and not revocable at once: it would not be clear which of it may be taken away. */
  | { readonly code: "REVOCABLE_MIXED"; readonly name: string };

/** Undefined when they are in order. Source: http-semantics 15.3, last row. */
export function checkOneTask(resources: Resources): OneTaskError | undefined {
  const ids = new Set<string>();
  const revocability = new Map<string, boolean>();
  for (const { name, disk, revocable = false } of resources) {
    const id = disk?.persistence?.id;
    if (id !== undefined && ids.has(id)) return { code: "PERSISTENCE_ID_REPEATED", id };
    if (id !== undefined) ids.add(id);
    if ((revocability.get(name) ?? revocable) !== revocable)
      return { code: "REVOCABLE_MIXED", name };
    revocability.set(name, revocable);
  }
  return undefined;
}

/** Without a capital and a full stop, to follow "Task ...: ". */
export function describeOneTaskError(error: OneTaskError): string {
  switch (error.code) {
    case "PERSISTENCE_ID_REPEATED":
      return `two of its volumes have the persistence id '${error.id}'; name each volume once`;
    case "REVOCABLE_MIXED":
      return `its '${error.name}' is partly revocable; use only revocable or only other resources`;
    default:
      return unreachable(error);
  }
}
