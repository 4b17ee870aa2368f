/**
 * What counts against a role's quota (http-semantics 14.2): everything reserved in its tree, used
 * or not, and of what its tree holds the scalars that are neither reserved nor revocable.
 */

import { isTerminal } from "../../protocol/task-state.ts";
import { reservedRole } from "../../resources/algebra.ts";
import { addQuantities, quantitiesOf } from "../../resources/quantities.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import type { MasterState } from "../state.ts";

/** The role at the top of the tree that `role` is in; quota is set there only. */
export function topRole(role: string): string {
  const slash = role.indexOf("/");
  return slash < 0 ? role : role.slice(0, slash);
}

/** Whether holding it counts against the quota of the role that holds it. */
export function isMetered(resource: Resource): boolean {
  return resource.kind === "SCALAR" && resource.reservations.length === 0 && !resource.revocable;
}

/** What of the resources counts against the quota of the role that holds them. */
export function meteredIn(resources: Resources): Quantities {
  return quantitiesOf(resources.filter(isMetered));
}

/** What is reserved in the tree of the top-level role. */
export function reservedInTree(total: Resources, top: string): Quantities {
  return quantitiesOf(
    total.filter((resource) => {
      const role = reservedRole(resource);
      return role !== undefined && topRole(role) === top;
    }),
  );
}

/** Read off the tables, for the checks of an operator's call; the allocator keeps count of it. */
export function consumptionOf(
  { tables }: Pick<MasterState, "tables">,
  top: string,
  { offers }: { readonly offers: "COUNTED" | "NOT_COUNTED" },
): Quantities {
  let sum: Quantities = {};
  for (const { connection, total } of tables.agent.values()) {
    if (connection.state === "CONNECTED") sum = addQuantities(sum, reservedInTree(total, top));
  }
  const count = (role: string, resources: Resources): void => {
    if (topRole(role) === top) sum = addQuantities(sum, meteredIn(resources));
  };
  for (const { role, resources, state } of tables.task.values()) {
    if (!isTerminal(state) && state !== "TASK_UNREACHABLE") count(role, resources);
  }
  for (const { role, resources } of tables.executor.values()) count(role, resources);
  if (offers === "NOT_COUNTED") return sum;
  for (const { role, resources } of tables.offer.values()) count(role, resources);
  return sum;
}
