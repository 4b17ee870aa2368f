import { unreachable } from "../../../../std/assert.ts";
import { isPolicyName, policies } from "../../../allocator/policies/index.ts";
import type { OfferRow } from "../../../rows.ts";
import { ANYBODY, type Asker, type Scene } from "./explain.ts";
import type { Lost } from "./finding.ts";
import type { Comparison } from "./standings.ts";

/** Why somebody else has the offer: by the policy's own measure, as it was when it was made. */
export function lostTo(
  { state, nowMs, standings, nameOf }: Scene,
  asker: Asker,
  offer: OfferRow,
): Lost {
  const { framework, role, problem } = asker;
  const holder = nameOf(offer);
  const since_seconds = Math.max(0, nowMs - offer.createdMs) / 1_000;
  const facts = { holder, since_seconds };
  if (framework.id === ANYBODY) return { reason: "OFFERED_TO_OTHER", ...facts };
  if (framework.reregisteredMs > offer.createdMs) return { reason: "CAME_LATER", ...facts };
  // Who wanted nothing was not in the order at all.
  if (problem !== undefined) return { reason: "OFFERED_TO_OTHER", ...facts };
  const name = state.tables.cluster.get("cluster")?.policy ?? "";
  const decidesBy = isPolicyName(name) ? policies[name].decidesBy : undefined;
  const compared = standings.compare({ frameworkId: framework.id, role }, offer, offer.seq);
  switch (decidesBy) {
    case "SHARE":
      return byShare(facts, compared);
    case "PRIORITY":
      return byPriority(facts, compared);
    case "LOT":
      return { reason: "DRAWN", ...facts };
    case undefined:
      return { reason: "OFFERED_TO_OTHER", ...facts };
    default:
      return unreachable(decidesBy);
  }
}

type Facts = Pick<Lost, "holder" | "since_seconds">;

function byShare(facts: Facts, { share, otherShare }: Comparison): Lost {
  const shares = { share, other_share: otherShare, difference: share - otherShare };
  if (otherShare < share) return { reason: "LOWER_SHARE", ...facts, ...shares };
  if (otherShare === share) return { reason: "EQUAL_SHARE", ...facts, ...shares };
  return { reason: "OFFERED_TO_OTHER", ...facts };
}

function byPriority(facts: Facts, compared: Comparison): Lost {
  const { priority, otherPriority } = compared;
  if (otherPriority === priority) return byShare(facts, compared);
  if (otherPriority < priority) return { reason: "OFFERED_TO_OTHER", ...facts };
  return { reason: "HIGHER_PRIORITY", ...facts, priority, other_priority: otherPriority };
}
