/**
 * The roles of the cluster and what each has: for GET_ROLES, the `/roles` document and the metrics.
 *
 * A role is known while a framework subscribes to it, something is held or reserved for it, or an
 * operator gave it a weight or a quota. Amounts count the role and everything below it, as quota
 * does.
 */
import { add } from "../../resources/algebra.ts";
import { addQuantities, quantitiesOf } from "../../resources/quantities.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import { ANY_ROLE, isStrictlyBelow } from "../../resources/roles.ts";
import { unreachable } from "../../std/assert.ts";
import { DEFAULT_ROLE_SETTINGS } from "../allocator/policy.ts";
import { type DominantShare, dominantShare } from "../role/share.ts";
import type { AgentRow, RoleRow } from "../rows.ts";
import { type AllocatedResources, addTo, holdsResources } from "./holdings.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Amounts per kind: units of a scalar, how many numbers in ranges, how many items of a set. Nothing
 * is 0.
 */
export type Amounts = Readonly<Record<string, number>>;

export interface RoleOverview {
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  /** Of what is allocated and offered to it and below it, by its weight. */
  readonly share: DominantShare;
  /** By the same ids as `frameworkIds`. */
  readonly frameworks: readonly FrameworkOverview[];
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

/** What a framework has of exactly one role. */
export interface FrameworkOverview {
  readonly frameworkId: string;
  /** Of all that there is, not of what its role has. */
  readonly share: DominantShare;
  /** Scalars only, as shares. */
  readonly allocated: Amounts;
  readonly offered: Amounts;
  /** How many it has in hand. */
  readonly offers: number;
}

/** Sorted by name. Yields where the reader may pause. */
export function* rolesOverview(snapshot: Snapshot): Generator<undefined, readonly RoleOverview[]> {
  const sums = yield* sumsOf(snapshot);
  const { used, offered, reserved, frameworks, total } = sums;
  const known = new Map(snapshot.roles.map((row) => [row.name, row]));
  const names = new Set([...frameworks.keys(), ...reserved.keys(), ...known.keys()]);
  const overview: RoleOverview[] = [];
  for (const name of [...names].sort(byCodeUnits)) {
    const allocated = subtree(used, name);
    const offers = subtree(offered, name);
    const own = subtree(reserved, name);
    const { weight, priority } = { ...DEFAULT_ROLE_SETTINGS, ...defined(known.get(name)) };
    const has = addQuantities(quantitiesOf(allocated), quantitiesOf(offers));
    const holders = [...(frameworks.get(name) ?? [])];
    const unreserved = allocated.filter(({ reservations, revocable }) => {
      return reservations.length === 0 && !revocable;
    });
    overview.push({
      name,
      weight,
      priority,
      share: dominantShare(has, total, weight),
      frameworkIds: holders.map(([id]) => id),
      frameworks: holders.map(([id, holding]) => frameworkOverview(id, holding, total)),
      allocated: amountsOf(allocated),
      offered: amountsOf(offers),
      reserved: amountsOf(own),
      consumed: amountsOf([...unreserved, ...own]),
      guarantees: unitsOf(known.get(name)?.quota?.guarantees ?? {}),
      limits: unitsOf(known.get(name)?.quota?.limits ?? {}),
    });
    yield;
  }
  return overview;
}

function frameworkOverview(
  frameworkId: string,
  { used, offered, offers }: Holding,
  total: Quantities,
): FrameworkOverview {
  const share = dominantShare(addQuantities(used, offered), total);
  return { frameworkId, share, allocated: unitsOf(used), offered: unitsOf(offered), offers };
}

/** Weight and priority of a row, as far as they are set. */
function defined(row: RoleRow | undefined): { weight?: number; priority?: number } {
  return {
    ...(row?.weight !== undefined && { weight: row.weight }),
    ...(row?.priority !== undefined && { priority: row.priority }),
  };
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

/** By role: what its holders have, what is reserved to it, and who subscribes to it or holds it. */
interface RoleSums {
  readonly used: AllocatedResources;
  readonly offered: AllocatedResources;
  /** Of the connected agents. */
  readonly reserved: AllocatedResources;
  readonly frameworks: ReadonlyMap<string, ReadonlyMap<string, Holding>>;
  /** Of the connected agents. */
  readonly total: Quantities;
}

/** What one framework has of one role. */
interface Holding {
  used: Quantities;
  offered: Quantities;
  offers: number;
}

/** Rows gone through between two pauses. */
const ROWS_AT_ONCE = 8;

function* sumsOf(snapshot: Snapshot): Generator<undefined, RoleSums> {
  const used = new Map<string, Resources>();
  const offered = new Map<string, Resources>();
  const reserved = new Map<string, Resources>();
  const frameworks = new Map<string, Map<string, Holding>>();
  let total: Quantities = {};
  const note = ({ role, frameworkId }: { role: string; frameworkId: string }): Holding => {
    const holders = frameworks.get(role) ?? new Map<string, Holding>();
    frameworks.set(role, holders);
    const holding = holders.get(frameworkId) ?? { used: {}, offered: {}, offers: 0 };
    holders.set(frameworkId, holding);
    return holding;
  };
  const use = (holding: Holding, resources: Resources): void => {
    holding.used = addQuantities(holding.used, quantitiesOf(resources));
  };
  for (const { id, roles } of snapshot.frameworks) {
    for (const role of roles) note({ role, frameworkId: id });
  }
  yield* inSteps(snapshot.tasks, (task) => {
    const holding = note(task);
    if (!holdsResources(task)) return;
    addTo(used, task);
    use(holding, task.resources);
  });
  yield* inSteps(snapshot.executors, (executor) => {
    addTo(used, executor);
    use(note(executor), executor.resources);
  });
  yield* inSteps(snapshot.offers, (offer) => {
    const holding = note(offer);
    addTo(offered, offer);
    holding.offered = addQuantities(holding.offered, quantitiesOf(offer.resources));
    holding.offers++;
  });
  yield* inSteps(snapshot.agents, (agent) => {
    addReserved(reserved, agent);
    if (agent.connection.state !== "CONNECTED") return;
    total = addQuantities(total, quantitiesOf(agent.total));
  });
  return { used, offered, reserved, frameworks, total };
}

function* inSteps<R>(rows: readonly R[], visit: (row: R) => void): Generator<undefined> {
  let count = 0;
  for (const row of rows) {
    visit(row);
    if (++count % ROWS_AT_ONCE === 0) yield;
  }
}

function addReserved(byRole: Map<string, Resources>, { connection, total }: AgentRow): void {
  if (connection.state !== "CONNECTED") return;
  for (const resource of total) {
    const role = resource.reservations.at(-1)?.role;
    if (role === undefined || role === ANY_ROLE) continue;
    addTo(byRole, { role, resources: [resource] });
  }
}
