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
  readonly #total = new Amounts();
  readonly #filters: ReadonlyMap<string, number>;
  readonly #set: readonly RoleRow[];

  constructor(state: MasterState) {
    const { framework, executor, offer, role } = state.tables;
    this.#filters = filtersByRole(state);
    this.#set = [...role.values()];
    for (const { name } of this.#set) this.#named(name);
    for (const { roles } of framework.values()) {
      for (const name of roles) this.#named(name).hasFrameworks = true;
    }
    for (const row of executor.values()) this.#hold(row);
    for (const row of offer.values()) this.#hold(row);
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
    return metrics;
  }

  #hold({ role, resources }: { role: string; resources: Resources }): void {
    const amounts = this.#named(role);
    amounts.hasFrameworks = true;
    amounts.held.add(resources);
    amounts.consumed.add(resources, isMetered);
  }

  #named(name: string): RoleAmounts {
    const known = this.#own.get(name);
    if (known !== undefined) return known;
    const made = { hasFrameworks: false, held: new Amounts(), consumed: new Amounts() };
    this.#own.set(name, made);
    return made;
  }
}

interface RoleAmounts {
  /** Some framework subscribes to exactly this role, or holds something of it. */
  hasFrameworks: boolean;
  /** Allocated or offered. */
  readonly held: Amounts;
  /** What counts against its quota: reserved for it, or held and neither reserved nor revocable. */
  readonly consumed: Amounts;
}

/** The root of the tree of roles has an empty name. */
const ROOT = "";

function withDescendants(own: ReadonlyMap<string, RoleAmounts>): ReadonlyMap<string, RoleAmounts> {
  const all = new Map<string, RoleAmounts>();
  const root = { hasFrameworks: false, held: new Amounts(), consumed: new Amounts() };
  all.set(ROOT, root);
  for (const [name, { hasFrameworks }] of own) {
    all.set(name, { hasFrameworks, held: new Amounts(), consumed: new Amounts() });
  }
  for (const [name, amounts] of own) {
    for (const ancestor of [ROOT, ...ancestorsOf(name), name]) {
      const sum = all.get(ancestor);
      sum?.held.addAll(amounts.held);
      sum?.consumed.addAll(amounts.consumed);
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
function dominantShare({ held }: RoleAmounts, total: Amounts): number {
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
