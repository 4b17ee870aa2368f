import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { renderResources } from "../../resources/render.ts";
import { defined } from "../../std/assert.ts";
import { frameworkInfo } from "../framework/info.ts";
import { offerMessage } from "../offer/offer.ts";
import type { CompletedFrameworkRow, FrameworkRow, OfferRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { offeredIn, renderAllocated, usedBy } from "./holdings.ts";

/**
 * A framework that has yet to come back is among `frameworks`, as recovered; the deprecated list is
 * never there.
 */
export function getFrameworks(state: MasterState): master.Response {
  const { framework, completedFramework } = state.tables;
  return {
    type: "GET_FRAMEWORKS",
    get_frameworks: {
      frameworks: [...framework.values()].map((row) => frameworkMessage(state, row)),
      completed_frameworks: [...completedFramework.values()].map(completedMessage),
    },
  };
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
  state: MasterState,
  row: FrameworkRow,
): master.ResponseGetFrameworksFramework {
  const offers = state.index.offersOfFramework(row.id);
  return {
    framework_info: frameworkInfo(row),
    ...frameworkFlags(row),
    registered_time: nanoseconds(row.registeredMs),
    reregistered_time: nanoseconds(row.reregisteredMs),
    offers: offers.map((offer) => offerOf(state, row, offer)),
    allocated_resources: renderAllocated(usedBy(state.index.tasksOfFramework(row.id))),
    offered_resources: renderAllocated(offeredIn(offers)),
    offer_constraints: {},
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
function offerOf(state: MasterState, framework: FrameworkRow, offer: OfferRow): mesos.Offer {
  const agent = defined(state.tables.agent.get(offer.agentId), `offer ${offer.id} has its agent`);
  const { role } = offer;
  const options = { allocationRole: role, refinedReservations: true };
  return {
    ...offerMessage(offer, framework, agent),
    resources: renderResources(offer.resources, options),
    allocation_info: { role },
  };
}
