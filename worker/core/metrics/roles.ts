/**
 * Metrics of the allocator about single roles. Amounts are units (not thousandths) of scalars, and
 * count a role with everything below it, as quota does.
 */
import type { Resources } from "../../resources/resource.ts";
import { ANY_ROLE, ancestorsOf } from "../../resources/roles.ts";
import { registeredAgents } from "../operator/get-agents.ts";
import { holdsResources } from "../operator/holdings.ts";
import { isMetered } from "../role/consumption.ts";
import type { MasterState } from "../state.ts";
import { Amounts } from "./amounts.ts";

type Metrics = Readonly<Record<string, number>>;

export function roleMetrics(state: MasterState): Metrics {
  const metrics: Record<string, number> = {};
  const roles = rolesOf(state);
  const filters = filtersByRole(state);
  const total = new Amounts();
  for (const agent of registeredAgents(state)) total.add(agent.total);
  for (const [name, role] of roles) {
    if (name !== ROOT) {
      metrics[`allocator/mesos/offer_filters/roles/${name}/active`] = filters.get(name) ?? 0;
    }
    // Only a role that somebody may be offered resources for has a share.
    if (role.hasFrameworks) {
      metrics[`allocator/mesos/roles/${name}/shares/dominant`] = dominantShare(role, total);
    }
    const prefix = `allocator/mesos/quota/roles/${name}/resources`;
    for (const [kind, amount] of role.consumed.entries()) {
      metrics[`${prefix}/${kind}/consumed`] = amount / 1_000;
    }
    Object.assign(metrics, quotaMetrics(state, name, role));
  }
  return metrics;
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

/**
 * The root, and every role that a framework subscribes to or holds something of, that something is
 * reserved for, or that an operator has set something of.
 */
function rolesOf(state: MasterState): ReadonlyMap<string, RoleAmounts> {
  const { framework, task, executor, offer, role: set } = state.tables;
  const own = new Map<string, RoleAmounts>();
  const roleNamed = (name: string): RoleAmounts => {
    const known = own.get(name);
    if (known !== undefined) return known;
    const made = { hasFrameworks: false, held: new Amounts(), consumed: new Amounts() };
    own.set(name, made);
    return made;
  };
  const hold = ({ role, resources }: { role: string; resources: Resources }): void => {
    const amounts = roleNamed(role);
    amounts.hasFrameworks = true;
    amounts.held.add(resources);
    amounts.consumed.add(resources.filter(isMetered));
  };
  for (const { roles } of framework.values()) {
    for (const name of roles) roleNamed(name).hasFrameworks = true;
  }
  for (const row of task.values()) {
    if (holdsResources(row)) hold(row);
    else roleNamed(row.role).hasFrameworks = true;
  }
  for (const row of executor.values()) hold(row);
  for (const row of offer.values()) hold(row);
  for (const { name } of set.values()) roleNamed(name);
  for (const { total } of registeredAgents(state)) {
    for (const resource of total) {
      const name = resource.reservations.at(-1)?.role;
      if (name === undefined || name === ANY_ROLE) continue;
      roleNamed(name).consumed.add([resource]);
    }
  }
  return withDescendants(own);
}

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

/** Of a role with a quota only. */
function quotaMetrics(state: MasterState, name: string, { held }: RoleAmounts): Metrics {
  const quota = state.tables.role.get(name)?.quota;
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
    metrics[`${prefix}/${kind}/offered_or_allocated`] = held.of(kind) / 1_000;
  }
  return metrics;
}
