/** What a framework's row holds of what it says of itself, and how one replaces the other. */

import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { enqueueCommand } from "../agent/commands.ts";
import { forgetFilters, liftFilters } from "../offer/filter.ts";
import { rescindOffer } from "../offer/offer.ts";
import type { FrameworkRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { capabilitiesOf, constraintsText, frameworkInfo, rolesOf } from "./info.ts";
import { parseOfferFilters } from "./offer-filters.ts";
import type { Wishes } from "./validate.ts";

type Facts = Pick<
  FrameworkRow,
  | "info"
  | "roles"
  | "suppressedRoles"
  | "capabilities"
  | "principal"
  | "failoverTimeoutMs"
  | "offerConstraints"
  | "offerMinimums"
>;

export function frameworkFacts(
  info: mesos.FrameworkInfo,
  wishes: Omit<Wishes, "framework_info">,
): Facts {
  // An agent may bring a FrameworkInfo that no master would take: filters that are not valid are
  // nobody's, then.
  const minimums = parseOfferFilters(info);
  return {
    info: encodeJson("mesos.v1.FrameworkInfo", info),
    roles: rolesOf(info),
    suppressedRoles: [...new Set(wishes.suppressed_roles)],
    capabilities: capabilitiesOf(info),
    principal: info.principal,
    failoverTimeoutMs: Math.max(0, (info.failover_timeout ?? 0) * 1_000),
    offerConstraints: constraintsText(wishes.offer_constraints),
    offerMinimums: minimums.ok && minimums.value.length > 0 ? minimums.value : undefined,
  };
}

/**
 * Puts what the framework says now in the place of what it said before; its tasks stay. Offers of
 * roles that it dropped are rescinded, and refusals forgotten of these and of roles that are no
 * longer suppressed.
 */
export function replaceFacts(
  turn: Turn,
  known: FrameworkRow,
  wishes: Wishes,
  changes: Partial<Pick<FrameworkRow, "reregisteredMs" | "connection">> = {},
): FrameworkRow {
  // `user` and `checkpoint` keep their first value: silently in SUBSCRIBE, as in Mesos.
  const { user, checkpoint } = frameworkInfo(known);
  const info = { ...wishes.framework_info, id: { value: known.id }, user, checkpoint };
  const { state } = turn;
  const now = { ...known, ...frameworkFacts(info, wishes), ...changes };
  const roles = new Set(now.roles);
  for (const offer of state.index.offersOfFramework(known.id)) {
    if (!roles.has(offer.role)) rescindOffer(turn, offer);
  }
  const unsuppressed = known.suppressedRoles.filter((role) => !now.suppressedRoles.includes(role));
  forgetFilters(turn, known.id, (role) => !roles.has(role));
  liftFilters(turn, known.id, (role) => unsuppressed.includes(role));
  // Also without a new role it may want what it did not want before: it has another capability, or
  // demands less.
  state.allocation.wants(known.id);
  const framework = state.tables.framework.put(now);
  if (framework.info !== known.info) tellAgents(turn, framework);
  return framework;
}

/** The agents that run something of it know its FrameworkInfo: its capabilities count there. */
function tellAgents(turn: Turn, { id }: FrameworkRow): void {
  const { index, tables } = turn.state;
  const rows = [...index.tasksOfFramework(id), ...index.executorsOfFramework(id)];
  for (const agentId of new Set(rows.map((row) => row.agentId))) {
    const agent = tables.agent.get(agentId);
    if (agent) enqueueCommand(turn, agent, { type: "UPDATE_FRAMEWORK", frameworkId: id });
  }
}
