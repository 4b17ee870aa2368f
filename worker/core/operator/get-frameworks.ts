import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import { renderResources } from "../../resources/render.ts";
import { defined } from "../../std/assert.ts";
import { frameworkInfo, offerConstraintsOf } from "../framework/info.ts";
import { offerMessage } from "../offer/offer-message.ts";
import type { CompletedFrameworkRow, FrameworkRow, OfferRow } from "../rows.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { renderAllocated } from "./holdings.ts";
import { type Groups, groupsOf, NO_HOLDINGS, type Snapshot } from "./snapshot.ts";

/**
 * A framework that has yet to come back is among `frameworks`, as recovered; the deprecated list is
 * never there.
 */
export function getFrameworks(
  snapshot: Snapshot,
): LongMessage<"mesos.v1.master.Response.GetFrameworks"> {
  return longMessage("mesos.v1.master.Response.GetFrameworks", (of) => [
    of.list("frameworks", function* () {
      const groups = yield* groupsOf(snapshot);
      for (const row of snapshot.frameworks) yield frameworkMessage(groups, row);
    }),
    of.list("completed_frameworks", () => snapshot.completedFrameworks.map(completedMessage)),
  ]);
}

/** What a framework's connection means to operators. */
export function frameworkFlags(
  row: FrameworkRow | CompletedFrameworkRow,
): Pick<master.ResponseGetFrameworksFramework, "active" | "connected" | "recovered"> {
  const state = "connection" in row ? row.connection.state : "COMPLETED";
  const connected = state === "CONNECTED";
  return { active: connected, connected, recovered: state === "RECOVERED" };
}

function frameworkMessage(
  groups: Groups,
  row: FrameworkRow,
): master.ResponseGetFrameworksFramework {
  const { offers, used, offered } = groups.ofFramework.get(row.id) ?? NO_HOLDINGS;
  return {
    framework_info: frameworkInfo(row),
    ...frameworkFlags(row),
    registered_time: nanoseconds(row.registeredMs),
    reregistered_time: nanoseconds(row.reregisteredMs),
    offers: offers.map((offer) => offerOf(groups, row, offer)),
    allocated_resources: renderAllocated(used),
    offered_resources: renderAllocated(offered),
    offer_constraints: offerConstraintsOf(row),
  };
}

function completedMessage(row: CompletedFrameworkRow): master.ResponseGetFrameworksFramework {
  return {
    framework_info: frameworkInfo(row),
    ...frameworkFlags(row),
    registered_time: nanoseconds(row.registeredMs),
    reregistered_time: nanoseconds(row.reregisteredMs),
    unregistered_time: nanoseconds(row.unregisteredMs),
    offer_constraints: {},
  };
}

/** In the form that says most, whatever form its framework gets. */
function offerOf(groups: Groups, framework: FrameworkRow, offer: OfferRow): mesos.Offer {
  const agent = defined(groups.agents.get(offer.agentId), `offer ${offer.id} has its agent`);
  const { role } = offer;
  const options = { allocationRole: role, refinedReservations: true };
  return {
    ...offerMessage(offer, framework, agent),
    resources: renderResources(offer.resources, options),
    allocation_info: { role },
  };
}
