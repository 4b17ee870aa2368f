/** Dominant shares, as operators are shown them and as policies order by them. */
import { quantityOf } from "../../resources/quantities.ts";
import type { Quantities } from "../../resources/resource.ts";

export interface DominantShare {
  /** ≥ 0, not capped at 1. */
  readonly share: number;
  /** The kind of which it is the share; absent = of no kind is there anything. */
  readonly dominant?: string;
}

/**
 * The largest fraction of any one kind, divided by the weight. A kind that the total does not have
 * counts as 0; of equal fractions the kind that comes first by name is the dominant one.
 *
 * `has`, `total`: thousandths per kind. Never fails.
 * Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011; Mesos' `DRFSorter`.
 */
export function dominantShare(has: Quantities, total: Quantities, weight = 1): DominantShare {
  let found: DominantShare = { share: 0 };
  for (const kind of Object.keys(has).sort()) {
    const all = quantityOf(total, kind);
    // One division, so that shares that are equal as fractions are equal as numbers too.
    const share = all > 0 ? quantityOf(has, kind) / (all * weight) : 0;
    if (share > found.share) found = { share, dominant: kind };
  }
  return found;
}
