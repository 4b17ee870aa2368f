/** Offers that stand against a quota are taken back, the youngest first. */
import { quantityOf } from "../../resources/quantities.ts";
import { rescindOffer } from "../offer/offer.ts";
import type { OfferRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import type { Turn } from "../turn.ts";
import { meteredIn, topRole } from "./consumption.ts";

/**
 * A role over its limit keeps no offer that adds to it. An excess comes from outside: a limit was
 * lowered, an agent came back with tasks, an operator reserved something.
 */
export function rescindOverLimits(turn: Turn): void {
  const quota = turn.state.allocation.quota();
  const roles = quota?.rolesOverLimit() ?? [];
  if (quota === undefined || roles.length === 0) return;
  for (const offer of youngestFirst(turn.state)) {
    const top = topRole(offer.role);
    if (!roles.includes(top)) continue;
    const adds = Object.entries(meteredIn(offer.resources));
    if (adds.some(([kind, amount]) => amount > 0 && quota.isOverLimit(top, kind))) {
      rescindOffer(turn, offer);
    }
  }
}

/**
 * Until as much is free as is guaranteed and not yet had: offers of roles that have more than they
 * are guaranteed.
 */
export function rescindForGuarantees(turn: Turn): void {
  const quota = turn.state.allocation.quota();
  if (quota === undefined) return;
  for (const offer of youngestFirst(turn.state)) {
    const short = quota.shortfall();
    if (short.length === 0) return;
    const top = topRole(offer.role);
    const metered = meteredIn(offer.resources);
    const helps = short.some(
      (kind) => quantityOf(metered, kind) > 0 && quota.isAboveGuarantee(top, kind),
    );
    if (helps) rescindOffer(turn, offer);
  }
}

function youngestFirst({ tables }: MasterState): readonly OfferRow[] {
  return [...tables.offer.values()].reverse();
}
