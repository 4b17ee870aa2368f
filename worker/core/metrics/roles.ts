/**
 * Metrics of the allocator about single roles. Amounts are units (not thousandths) of scalars, and
 * count a role with everything below it, as quota does.
 */
import type { Resources } from "../../resources/resource.ts";
import { ANY_ROLE, ancestorsOf } from "../../resources/roles.ts";
import { registeredAgents } from "../operator/get-agents.ts";
import { holdsResources } from "../operator/holdings.ts";
import { isMetered } from "../role/consumption.ts";
import type { RoleRow, TaskRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { Amounts } from "./amounts.ts";

type Metrics = Readonly<Record<string, number>>;

/**
 * The root, and every role that a framework subscribes to or holds something of, that something is
 * reserved for, or that an operator has set something of.
 *
 * Made of the state as it is now, all but its tasks: these are added one by one.
 */
export class RoleSums {
  readonly #own = new Map<string, RoleAmounts>();
  /** What every framework holds, by its id. */
  readonly #frameworks = new Map<string, Amounts>();
  readonly #total = new Amounts();
  readonly #filters: ReadonlyMap<string, number>;
  readonly #set: readonly RoleRow[];

  constructor(state: MasterState) {
    const { framework, executor, offer, role } = state.tables;
    this.#filters = filtersByRole(state);
    this.#set = [...role.values()];
    for (const { name } of this.#set) this.#named(name);
    for (const { id, roles } of framework.values()) {
      this.#frameworks.set(id, new Amounts());
      for (const name of roles) this.#named(name).hasFrameworks = true;
    }
    for (const row of executor.values()) this.#hold(row);
    for (const row of offer.values()) {
      this.#hold(row);
      this.#named(row.role).offered.add(row.resources);
    }
    for (const { total } of registeredAgents(state)) {
      this.#total.add(total);
      for (const resource of total) {
        const name = resource.reservations.at(-1)?.role;
        if (name === undefined || name === ANY_ROLE) continue;
        this.#named(name).consumed.add([resource]);
      }
    }
  }

  addTask(task: TaskRow): void {
    if (holdsResources(task)) this.#hold(task);
    else this.#named(task.role).hasFrameworks = true;
  }

  metrics(): Metrics {
    const metrics: Record<string, number> = {};
    const roles = withDescendants(this.#own);
    for (const [name, role] of roles) {
      if (name !== ROOT) {
        metrics[`allocator/mesos/offer_filters/roles/${name}/active`] =
          this.#filters.get(name) ?? 0;
      }
      // Only a role that somebody may be offered resources for has a share.
      if (role.hasFrameworks) {
        metrics[`allocator/mesos/roles/${name}/shares/dominant`] = dominantShare(role, this.#total);
      }
      const prefix = `allocator/mesos/quota/roles/${name}/resources`;
      for (const [kind, amount] of role.consumed.entries()) {
        metrics[`${prefix}/${kind}/consumed`] = amount / 1_000;
      }
    }
    for (const row of this.#set) Object.assign(metrics, quotaMetrics(row, roles.get(row.name)));
    return { ...metrics, ...this.#ownMetrics(roles) };
  }

  /** What Mesos does not measure; of those with the largest shares, so that labels are bounded. */
  #ownMetrics(roles: ReadonlyMap<string, RoleAmounts>): Metrics {
    const metrics: Record<string, number> = {};
    const byRole = [...roles]
      .filter(([name]) => name !== ROOT)
      .map(([name, role]) => ({ name, role, share: dominantShare(role, this.#total) }));
    for (const { name, role } of largest(byRole)) {
      for (const [kind, amount] of role.offered.entries()) {
        metrics[`rimrock/roles/${name}/offered/${kind}`] = amount / 1_000;
      }
    }
    const byFramework = [...this.#frameworks].map(([name, held]) => {
      return { name, share: dominantShare({ held }, this.#total) };
    });
    for (const { name, share } of largest(byFramework)) {
      metrics[`rimrock/frameworks/${name}/shares/dominant`] = share;
    }
    metrics["rimrock/roles_not_measured"] = Math.max(0, byRole.length - MEASURED_MAX);
    metrics["rimrock/frameworks_not_measured"] = Math.max(0, byFramework.length - MEASURED_MAX);
    return metrics;
  }

  #hold({ role, frameworkId, resources }: Holding): void {
    const framework = this.#frameworks.get(frameworkId) ?? new Amounts();
    this.#frameworks.set(frameworkId, framework);
    framework.add(resources);
    const amounts = this.#named(role);
    amounts.hasFrameworks = true;
    amounts.held.add(resources);
    amounts.consumed.add(resources, isMetered);
  }

  #named(name: string): RoleAmounts {
    const known = this.#own.get(name);
    if (known !== undefined) return known;
    const made = noAmounts(false);
    this.#own.set(name, made);
    return made;
  }
}

interface RoleAmounts {
  /** Some framework subscribes to exactly this role, or holds something of it. */
  hasFrameworks: boolean;
  /** Allocated or offered. */
  readonly held: Amounts;
  readonly offered: Amounts;
  /** What counts against its quota: reserved for it, or held and neither reserved nor revocable. */
  readonly consumed: Amounts;
}

/** Something of an agent that is a framework's, for a role. */
interface Holding {
  readonly role: string;
  readonly frameworkId: string;
  readonly resources: Resources;
}

function noAmounts(hasFrameworks: boolean): RoleAmounts {
  const [held, offered, consumed] = [new Amounts(), new Amounts(), new Amounts()];
  return { hasFrameworks, held, offered, consumed };
}

/** Of so many roles and frameworks there are metrics of ours. */
const MEASURED_MAX = 200;

/** Those with the largest shares; of equal ones the first by name. */
function largest<T extends { readonly name: string; readonly share: number }>(
  all: readonly T[],
): readonly T[] {
  const byShare = all.toSorted((a, b) => b.share - a.share || (a.name < b.name ? -1 : 1));
  return byShare.slice(0, MEASURED_MAX);
}

/** The root of the tree of roles has an empty name. */
const ROOT = "";

function withDescendants(own: ReadonlyMap<string, RoleAmounts>): ReadonlyMap<string, RoleAmounts> {
  const all = new Map<string, RoleAmounts>();
  all.set(ROOT, noAmounts(false));
  for (const [name, { hasFrameworks }] of own) all.set(name, noAmounts(hasFrameworks));
  for (const [name, amounts] of own) {
    for (const ancestor of [ROOT, ...ancestorsOf(name), name]) {
      const sum = all.get(ancestor);
      sum?.held.addAll(amounts.held);
      sum?.consumed.addAll(amounts.consumed);
      sum?.offered.addAll(amounts.offered);
    }
  }
  return all;
}

function filtersByRole(state: MasterState): ReadonlyMap<string, number> {
  const filters = new Map<string, number>();
  for (const { role } of state.tables.filter.values()) {
    filters.set(role, (filters.get(role) ?? 0) + 1);
  }
  return filters;
}

/** The largest fraction of any one resource that is allocated or offered to the role. */
function dominantShare({ held }: Pick<RoleAmounts, "held">, total: Amounts): number {
  const shares = [...total.entries()].map(([kind, all]) => (all === 0 ? 0 : held.of(kind) / all));
  return Math.max(0, ...shares);
}

function quotaMetrics({ name, quota }: RoleRow, amounts: RoleAmounts | undefined): Metrics {
  if (quota === undefined) return {};
  const prefix = `allocator/mesos/quota/roles/${name}/resources`;
  const metrics: Record<string, number> = {};
  for (const [kind, amount] of Object.entries(quota.guarantees)) {
    metrics[`${prefix}/${kind}/guarantee`] = amount / 1_000;
  }
  for (const [kind, amount] of Object.entries(quota.limits)) {
    metrics[`${prefix}/${kind}/limit`] = amount / 1_000;
  }
  for (const kind of Object.keys({ ...quota.guarantees, ...quota.limits })) {
    metrics[`${prefix}/${kind}/offered_or_allocated`] = (amounts?.held.of(kind) ?? 0) / 1_000;
  }
  return metrics;
}
