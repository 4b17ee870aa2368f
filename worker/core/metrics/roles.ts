/** Metrics of the allocator about single roles. Amounts are units (not thousandths). */
import { addQuantities, quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Quantities } from "../../resources/resource.ts";
import { registeredAgents } from "../operator/get-agents.ts";
import {
  type Amounts,
  addAmounts,
  type RoleOverview,
  rolesOverview,
} from "../operator/role-overview.ts";
import type { MasterState } from "../state.ts";

type Metrics = Readonly<Record<string, number>>;

export function roleMetrics(state: MasterState): Metrics {
  const metrics: Record<string, number> = {};
  const roles = rolesOverview(state);
  const total = registeredAgents(state).reduce<Quantities>(
    (sum, agent) => addQuantities(sum, quantitiesOf(agent.total)),
    {},
  );
  const filters = filtersByRole(state);
  for (const role of roles) {
    const { name } = role;
    metrics[`allocator/mesos/offer_filters/roles/${name}/active`] = filters.get(name) ?? 0;
    // Only a role that somebody may be offered resources for has a share.
    if (role.frameworkIds.length > 0) {
      metrics[`allocator/mesos/roles/${name}/shares/dominant`] = dominantShare(role, total);
    }
    Object.assign(metrics, quotaMetrics(state, role), consumedMetrics(name, role.consumed));
  }
  // The root of the tree of roles has an empty name.
  Object.assign(metrics, consumedMetrics("", consumedAtTheRoot(roles)));
  return metrics;
}

function filtersByRole(state: MasterState): ReadonlyMap<string, number> {
  const filters = new Map<string, number>();
  for (const { role } of state.tables.filter.values()) {
    filters.set(role, (filters.get(role) ?? 0) + 1);
  }
  return filters;
}

/** The largest fraction of any one resource that is allocated or offered to the role. */
function dominantShare({ allocated, offered }: RoleOverview, total: Quantities): number {
  const shares = Object.keys(total).map((kind) => {
    const held = (allocated[kind] ?? 0) + (offered[kind] ?? 0);
    return (held * 1_000) / quantityOf(total, kind);
  });
  return Math.max(0, ...shares);
}

/** Of a role with a quota only. */
function quotaMetrics(state: MasterState, { name, allocated, offered }: RoleOverview): Metrics {
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
    const held = (allocated[kind] ?? 0) + (offered[kind] ?? 0);
    metrics[`${prefix}/${kind}/offered_or_allocated`] = held;
  }
  return metrics;
}

function consumedMetrics(role: string, consumed: Amounts): Metrics {
  const prefix = `allocator/mesos/quota/roles/${role}/resources`;
  const entries = Object.entries(consumed);
  return Object.fromEntries(
    entries.map(([kind, amount]) => [`${prefix}/${kind}/consumed`, amount]),
  );
}

/** What a role consumes is in what its ancestors consume. */
function consumedAtTheRoot(roles: readonly RoleOverview[]): Amounts {
  const topmost = roles.filter(
    ({ name }) => !roles.some((other) => name.startsWith(`${other.name}/`)),
  );
  return topmost.reduce<Amounts>((sum, { consumed }) => addAmounts(sum, consumed), {});
}
