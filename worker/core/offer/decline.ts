import type * as scheduler from "../../protocol/v1/scheduler.ts";
import type { FrameworkRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { addFilters, refuseMs } from "./filter.ts";
import type { RefusedOffer } from "./refuse.ts";

/**
 * DECLINE: the offers end and their resources stay away for a while. Unknown and foreign ids are
 * ignored.
 */
export function decline(turn: Turn, framework: FrameworkRow, call: scheduler.CallDecline): void {
  const offers: RefusedOffer[] = [];
  for (const { value: id } of call.offer_ids ?? []) {
    const offer = turn.state.tables.offer.get(id);
    if (offer === undefined || offer.frameworkId !== framework.id) continue;
    turn.state.tables.offer.delete(offer.id);
    offers.push({ offer, refused: offer.resources });
  }
  const durationMs = refuseMs(call.filters);
  addFilters(turn, framework.id, offers, { cause: "DECLINED", durationMs });
}
