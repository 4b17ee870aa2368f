/**
 * Offers what is free. Runs at the end of every turn, over the agents that the turn touched: a turn
 * in which nothing was freed and nobody began to want costs nothing.
 */

import type { AgentId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { add, isEmpty, subtract } from "../../resources/algebra.ts";
import type { Resource, Resources } from "../../resources/resource.ts";
import { shared } from "../../resources/shared.ts";
import { AGENTS_ALLOCATED_PER_TURN } from "../constants.ts";
import { makeOffer } from "../offer/offer.ts";
import { offerToSend } from "../offer/offer-message.ts";
import { rescindOverCommitted } from "../offer/rescind-over-committed.ts";
import { isMetered, topRole } from "../role/consumption.ts";
import { rescindOverLimits } from "../role/rescind-for-quota.ts";
import type { MasterState } from "../state.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { candidateFor } from "./candidate.ts";
import { DEFAULT_MINIMUM, minimumOf } from "./minimum.ts";
import type { QuotaStage } from "./quota.ts";

export function allocate(turn: Turn): void {
  const { allocation, tables } = turn.state;
  rescindOverLimits(turn);
  allocation.wakePassedOver(turn.nowMs);
  rescindOverCommitted(turn);
  if (!allocation.hasWork()) return;
  const offers = new Map<string, mesos.Offer[]>();
  const quota = allocation.quota();
  const picky = quota === undefined ? new Set<string>() : pickyTrees(turn.state);
  const volumesGiven = new Map<AgentId, Resources>();
  const pass = { offers, picky, exhausted: new Set<string>(), volumesGiven };
  const agents = allocation.takeDirty(AGENTS_ALLOCATED_PER_TURN, turn.random);
  for (const id of agents) {
    if (!quota?.hasUnmetGuarantees()) break;
    allocateAgent(turn, id, { ...pass, stage: "GUARANTEED" });
  }
  for (const id of agents) {
    allocateAgent(turn, id, { ...pass, stage: "REST" });
  }
  for (const [frameworkId, made] of offers) {
    const framework = tables.framework.get(frameworkId);
    if (framework === undefined) continue;
    sendEvent(turn, framework, { type: "OFFERS", offers: { offers: made } });
  }
}

/** What holds for all agents of one pass. */
interface Pass {
  readonly offers: Map<string, mesos.Offer[]>;
  readonly stage: QuotaStage;
  readonly picky: ReadonlySet<string>;
  /** Trees that are left too little. What an offer takes makes it no more. */
  readonly exhausted: Set<string>;
  /** Shared volumes that are in an offer of this pass: they are given to one in a pass. */
  readonly volumesGiven: Map<AgentId, Resources>;
}

/** Goes down the policy's order until nothing is left; each takes all it may have of the agent. */
function allocateAgent(
  turn: Turn,
  agentId: AgentId,
  { offers, stage, picky, exhausted, volumesGiven }: Pass,
): void {
  const { allocation, tables } = turn.state;
  const quota = allocation.quota();
  const agent = tables.agent.get(agentId);
  if (agent?.connection.state !== "CONNECTED" || agent.service.state !== "ACTIVE") return;
  const unheld = allocation.free(agent);
  if (unheld === undefined) return;
  let free = subtract(unheld, volumesGiven.get(agentId) ?? []);
  if (isEmpty(free)) return;
  const isMeteredWhole =
    quota !== undefined && stage === "REST" && free.every(isMeteredOrUncounted);
  const skipsTree = (top: string): boolean => {
    if (stage === "GUARANTEED") return quota?.lacksGuarantee(top) === false;
    if (!isMeteredWhole || picky.has(top)) return false;
    if (!exhausted.has(top) && !quota.isExhausted(top, DEFAULT_MINIMUM)) return false;
    exhausted.add(top);
    quota.passedOver(agentId);
    return true;
  };
  const withheld = (): void => quota?.passedOver(agentId);
  for (const client of allocation.order({ random: turn.random, skipsTree })) {
    if (stage === "GUARANTEED" && !quota?.lacksGuarantee(client.role)) continue;
    const framework = tables.framework.get(client.frameworkId);
    if (framework === undefined) continue;
    if (isMeteredWhole && quota.isExhausted(client.role, minimumOf(framework, client.role))) {
      quota.passedOver(agentId);
      continue;
    }
    const { role } = client;
    const request = { framework, role, agent, free, stage };
    const candidate = candidateFor(turn.state, request, withheld);
    if (candidate === "AT_OFFER_CAP") allocation.passedOverAtCap(framework.id, agentId);
    if (typeof candidate === "string") continue;
    const offer = makeOffer(turn, framework, role, agent, candidate);
    allocation.tookTurn(client);
    const made = offers.get(framework.id) ?? [];
    made.push(offerToSend(turn.state, offer, framework, agent));
    offers.set(framework.id, made);
    free = subtract(free, candidate);
    const volumes = shared(candidate);
    if (!isEmpty(volumes)) {
      volumesGiven.set(agentId, add(volumesGiven.get(agentId) ?? [], volumes));
    }
    if (isEmpty(free)) return;
  }
}

/** Top-level roles in whose tree a framework says itself what is too little for it. */
function pickyTrees({ tables }: MasterState): ReadonlySet<string> {
  const trees = new Set<string>();
  for (const { offerMinimums } of tables.framework.values()) {
    for (const { role } of offerMinimums ?? []) trees.add(topRole(role));
  }
  return trees;
}

/** Ranges and sets have no quota, but alone they are no offer. */
function isMeteredOrUncounted(resource: Resource): boolean {
  return isMetered(resource) || resource.kind !== "SCALAR";
}
