/**
 * The roles of the cluster and what each has: for GET_ROLES, the `/roles` document and the metrics.
 *
 * A role is known while a framework subscribes to it, something is held or reserved for it, or an
 * operator gave it a weight or a quota. Amounts count the role and everything below it, as quota
 * does.
 */
import { add } from "../../resources/algebra.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import { ANY_ROLE, isStrictlyBelow } from "../../resources/roles.ts";
import { unreachable } from "../../std/assert.ts";
import type { MasterState } from "../state.ts";
import { type AllocatedResources, offeredIn, usedBy } from "./holdings.ts";

/**
 * Amounts per kind: units of a scalar, how many numbers in ranges, how many items of a set. Nothing
 * is 0.
 */
export type Amounts = Readonly<Record<string, number>>;

export interface RoleOverview {
  readonly name: string;
  readonly weight: number;
  /** Frameworks that subscribe to exactly this role, or hold something of it. */
  readonly frameworkIds: readonly string[];
  readonly allocated: Amounts;
  readonly offered: Amounts;
  readonly reserved: Amounts;
  /**
   * What counts against its quota: reserved for it, or allocated to it and neither reserved nor
   * revocable.
   */
  readonly consumed: Amounts;
  /** Its quota; a limit may be 0. */
  readonly guarantees: Amounts;
  readonly limits: Amounts;
}

/** Sorted by name. */
export function rolesOverview(state: MasterState): readonly RoleOverview[] {
  const { tables } = state;
  const used = usedBy(tables.task.values());
  const offered = offeredIn(tables.offer.values());
  const reserved = reservedByRole(state);
  const frameworks = frameworksByRole(state);
  const weighted = [...tables.role.values()].map(({ name }) => name);
  const names = new Set([...frameworks.keys(), ...reserved.keys(), ...weighted]);
  return [...names].sort(byCodeUnits).map((name) => {
    const allocated = subtree(used, name);
    const own = subtree(reserved, name);
    const unreserved = allocated.filter(({ reservations, revocable }) => {
      return reservations.length === 0 && !revocable;
    });
    return {
      name,
      weight: tables.role.get(name)?.weight ?? 1,
      frameworkIds: [...(frameworks.get(name) ?? [])],
      allocated: amountsOf(allocated),
      offered: amountsOf(subtree(offered, name)),
      reserved: amountsOf(own),
      consumed: amountsOf([...unreserved, ...own]),
      guarantees: unitsOf(tables.role.get(name)?.quota?.guarantees ?? {}),
      limits: unitsOf(tables.role.get(name)?.quota?.limits ?? {}),
    };
  });
}

export function addAmounts(a: Amounts, b: Amounts): Amounts {
  const sums = new Map(Object.entries(a));
  for (const [name, amount] of Object.entries(b)) sums.set(name, (sums.get(name) ?? 0) + amount);
  return sorted(new Map([...sums].map(([name, sum]) => [name, thousandthsOf(sum) / 1_000])));
}

/** Sorted by name. */
export function amountsOf(resources: Iterable<Resource>): Amounts {
  const sums = new Map<string, number>();
  for (const resource of resources) {
    const { name } = resource;
    sums.set(name, (sums.get(name) ?? 0) + thousandthsIn(resource));
  }
  return sorted(new Map([...sums].map(([name, sum]) => [name, sum / 1_000])));
}

/** Sorted by name. */
function unitsOf(quantities: Quantities): Amounts {
  const entries = Object.entries(quantities);
  return sorted(new Map(entries.map(([name, thousandths]) => [name, thousandths / 1_000])));
}

function thousandthsIn(resource: Resource): number {
  switch (resource.kind) {
    case "SCALAR":
      return resource.thousandths;
    case "RANGES":
      return resource.ranges.reduce((sum, [begin, end]) => sum + (end - begin + 1) * 1_000, 0);
    case "SET":
      return resource.items.length * 1_000;
    default:
      return unreachable(resource);
  }
}

/** Undoes what adding two decimal fractions did to their last bits. */
function thousandthsOf(amount: number): number {
  return Math.round(amount * 1_000);
}

function sorted(amounts: ReadonlyMap<string, number>): Amounts {
  return Object.fromEntries([...amounts].sort(([a], [b]) => byCodeUnits(a, b)));
}

function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function subtree(byRole: AllocatedResources, role: string): Resources {
  let sum: Resources = [];
  for (const [name, resources] of byRole) {
    if (name === role || isStrictlyBelow(name, role)) sum = add(sum, resources);
  }
  return sum;
}

/** What the connected agents have reserved, by the role it is reserved to. */
function reservedByRole(state: MasterState): AllocatedResources {
  const byRole = new Map<string, Resources>();
  for (const { connection, total } of state.tables.agent.values()) {
    if (connection.state !== "CONNECTED") continue;
    for (const resource of total) {
      const role = resource.reservations.at(-1)?.role;
      if (role === undefined || role === ANY_ROLE) continue;
      byRole.set(role, add(byRole.get(role) ?? [], [resource]));
    }
  }
  return byRole;
}

function frameworksByRole(state: MasterState): ReadonlyMap<string, ReadonlySet<string>> {
  const { framework, task, offer } = state.tables;
  const byRole = new Map<string, Set<string>>();
  const note = (role: string, frameworkId: string): void => {
    const ids = byRole.get(role) ?? new Set<string>();
    byRole.set(role, ids.add(frameworkId));
  };
  for (const { id, roles } of framework.values()) for (const role of roles) note(role, id);
  for (const { role, frameworkId } of task.values()) note(role, frameworkId);
  for (const { role, frameworkId } of offer.values()) note(role, frameworkId);
  return byRole;
}
