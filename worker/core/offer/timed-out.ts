import { MIN_REFUSE_MS } from "../constants.ts";
import type { OfferRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { addFilter } from "./filter.ts";
import { rescindOffer } from "./offer.ts";

/**
 * Its framework has not answered an offer in time: it is taken back, and for as long as after the
 * shortest refusal it is for others. Without that, a framework that never answers and never runs
 * anything has the smallest share, and would be offered the same again at once, for ever.
 */
export function offerTimedOut(turn: Turn, offer: OfferRow): void {
  rescindOffer(turn, offer);
  const { resources: refused } = offer;
  addFilter(turn, offer, { refused, durationMs: MIN_REFUSE_MS, cause: "TIMED_OUT" });
}
