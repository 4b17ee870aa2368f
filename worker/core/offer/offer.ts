/**
 * The life of an offer: made by the allocator, ended by its framework, its agent, its time, or a
 * failover.
 */

import type { AgentId, FrameworkId, OfferId } from "../../protocol/ids.ts";
import type { Resources } from "../../resources/resource.ts";
import type { AgentRow, FrameworkRow, OfferRow } from "../rows.ts";
import { clusterId, newSeq, takeNumber } from "../state.ts";
import { sendEvent, type Turn } from "../turn.ts";

export function makeOffer(
  turn: Turn,
  framework: FrameworkRow,
  role: string,
  agent: AgentRow,
  resources: Resources,
): OfferRow {
  const { state, nowMs } = turn;
  const timeoutMs = state.settings.offerTimeoutMs;
  return state.tables.offer.put({
    seq: newSeq(state),
    // Joined it is one string; put together it would be kept with its two halves beside it.
    id: [clusterId(state), "-O", takeNumber(state, "offer")].join("") as OfferId,
    frameworkId: framework.id,
    role,
    agentId: agent.id,
    resources: state.shared.resources(resources),
    createdMs: nowMs,
    timeoutAtMs: timeoutMs === undefined ? undefined : nowMs + timeoutMs,
  });
}

/** Takes back an offer that became void for a reason other than its framework's own call. */
export function rescindOffer(turn: Turn, offer: OfferRow): void {
  turn.state.tables.offer.delete(offer.id);
  const framework = turn.state.tables.framework.get(offer.frameworkId);
  if (framework === undefined) return;
  sendEvent(turn, framework, { type: "RESCIND", rescind: { offer_id: { value: offer.id } } });
}

export function rescindOffersOfAgent(turn: Turn, agentId: AgentId): void {
  for (const offer of turn.state.index.offersOfAgent(agentId)) rescindOffer(turn, offer);
}

/** Ends a framework's offers without a word: whoever would be told is gone. */
export function withdrawOffers(turn: Turn, frameworkId: FrameworkId): void {
  for (const offer of turn.state.index.offersOfFramework(frameworkId)) {
    turn.state.tables.offer.delete(offer.id);
  }
}
