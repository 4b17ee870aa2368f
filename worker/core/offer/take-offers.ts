import type { OfferId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { pooled } from "../../resources/shared.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { FrameworkRow, OfferRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import type { Pool } from "./pool.ts";
import { brakeInvalidAccept } from "./refuse.ts";

/**
 * Ends the named offers; all of them must be this framework's, of one agent and one role. Otherwise
 * the good ones among them are lost too, and the sentence says why.
 */
export function takeOffers(
  turn: Turn,
  framework: FrameworkRow,
  ids: readonly mesos.OfferID[],
): Result<{ readonly pool: Pool; readonly first: OfferRow }, string> {
  const { tables } = turn.state;
  const failures: string[] = [];
  const offers: OfferRow[] = [];
  const seen = new Set<string>();
  for (const { value: id } of ids) {
    const offer = tables.offer.get(id as OfferId);
    if (seen.has(id)) failures.push(`Offer ${id} is named twice`);
    else if (offer === undefined) failures.push(`Offer ${id} is no longer valid`);
    else if (offer.frameworkId !== framework.id) {
      failures.push(`Offer ${id} belongs to another framework`);
    } else offers.push(offer);
    seen.add(id);
  }
  const first = offers[0];
  const stranger = offers.find((o) => o.agentId !== first?.agentId || o.role !== first?.role);
  if (ids.length === 0) failures.push("No offers specified");
  if (stranger !== undefined) {
    failures.push(`Offer ${stranger.id} is of another agent or role than ${first?.id}`);
  }
  for (const offer of offers) tables.offer.delete(offer.id);
  const agent = first === undefined ? undefined : tables.agent.get(first.agentId);
  const failure = failures[0];
  if (failure !== undefined) {
    brakeInvalidAccept(turn, offers);
    return err(failure);
  }
  // Offers end with their agent, and an accepted offer is outstanding until now.
  if (first === undefined || agent === undefined) return err("The agent of the offers is gone");
  const resources = pooled(offers.map((offer) => offer.resources));
  return ok({ first, pool: { agent, role: first.role, resources } });
}
