/**
 * Offers what is free. Runs at the end of every turn, over the agents that the turn touched: a turn
 * in which nothing was freed and nobody began to want costs nothing.
 */

import type { AgentId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { isEmpty, resourcesFor, subtract, withoutRefinements } from "../../resources/algebra.ts";
import { quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Resources } from "../../resources/resource.ts";
import { AGENTS_ALLOCATED_PER_TURN } from "../constants.ts";
import { hasCapability } from "../framework/info.ts";
import { refuses } from "../offer/filter.ts";
import { makeOffer, offerMessage } from "../offer/offer.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import { sendEvent, type Turn } from "../turn.ts";
import type { Client } from "./policy.ts";

export function allocate(turn: Turn): void {
  const { allocation, tables } = turn.state;
  if (!allocation.hasWork()) return;
  const offers = new Map<string, mesos.Offer[]>();
  for (const id of allocation.takeDirty(AGENTS_ALLOCATED_PER_TURN, turn.random)) {
    allocateAgent(turn, id, offers);
  }
  for (const [frameworkId, made] of offers) {
    const framework = tables.framework.get(frameworkId);
    if (framework === undefined) continue;
    sendEvent(turn, framework, { type: "OFFERS", offers: { offers: made } });
  }
}

/** Goes down the policy's order until nothing is left; each takes all it may have of the agent. */
function allocateAgent(turn: Turn, agentId: AgentId, offers: Map<string, mesos.Offer[]>): void {
  const { allocation, tables } = turn.state;
  const agent = tables.agent.get(agentId);
  if (agent?.connection.state !== "CONNECTED" || agent.service.state !== "ACTIVE") return;
  let free = allocation.free(agent);
  if (free === undefined || isEmpty(free)) return;
  for (const client of allocation.order(turn.random)) {
    const framework = tables.framework.get(client.frameworkId);
    if (framework === undefined) continue;
    const candidate = candidateFor(turn, framework, client, agent, free);
    if (candidate === undefined) continue;
    const offer = makeOffer(turn, framework, client.role, agent, candidate);
    allocation.tookTurn(client);
    const made = offers.get(framework.id) ?? [];
    made.push(offerMessage(offer, framework, agent));
    offers.set(framework.id, made);
    free = subtract(free, candidate);
    if (isEmpty(free)) return;
  }
}

/** What the client may be offered of the agent; undefined = nothing. */
function candidateFor(
  turn: Turn,
  framework: FrameworkRow,
  client: Client,
  agent: AgentRow,
  free: Resources,
): Resources | undefined {
  if (!mayUseAgent(framework, client, agent)) return undefined;
  const candidate = strip(framework, resourcesFor(free, client.role));
  if (!isAllocatable(candidate)) return undefined;
  for (const filter of turn.state.index.filtersOf(framework.id, agent.id)) {
    if (filter.role === client.role && refuses(filter, candidate)) return undefined;
  }
  return candidate;
}

/** Capabilities of both sides must meet (http-semantics 10.5, 12.4). */
function mayUseAgent(framework: FrameworkRow, client: Client, agent: AgentRow): boolean {
  const agentHas = (capability: mesos.AgentInfoCapabilityType): boolean =>
    agent.capabilities.includes(capability);
  if (hasCapability(framework, "MULTI_ROLE") && !agentHas("MULTI_ROLE")) return false;
  if (client.role.includes("/") && !agentHas("HIERARCHICAL_ROLE")) return false;
  const hasGpus = quantityOf(quantitiesOf(agent.total), "gpus") > 0;
  return !hasGpus || hasCapability(framework, "GPU_RESOURCES");
}

/** Leaves out what the framework's capabilities do not cover (http-semantics 11.5). */
function strip(framework: FrameworkRow, resources: Resources): Resources {
  const refined = hasCapability(framework, "RESERVATION_REFINEMENT");
  const revocable = hasCapability(framework, "REVOCABLE_RESOURCES");
  const shared = hasCapability(framework, "SHARED_RESOURCES");
  const kept = refined ? resources : withoutRefinements(resources);
  return kept.filter((r) => (revocable || !r.revocable) && (shared || !r.shared));
}

/** Mesos' default `min_allocatable_resources`: 0.01 cpus or 32 MB; either suffices. */
function isAllocatable(resources: Resources): boolean {
  const quantities = quantitiesOf(resources);
  return quantityOf(quantities, "cpus") >= 10 || quantityOf(quantities, "mem") >= 32_000;
}
