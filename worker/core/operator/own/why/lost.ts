import { unreachable } from "../../../../std/assert.ts";
import { isPolicyName } from "../../../allocator/policies/index.ts";
import type { OfferRow } from "../../../rows.ts";
import { ANYBODY, type Asker, type Scene } from "./explain.ts";
import type { Lost } from "./finding.ts";

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
  const policy = state.tables.cluster.get("cluster")?.policy ?? "";
  // Who wanted nothing was not in the order at all.
  if (problem !== undefined || !isPolicyName(policy)) {
    return { reason: "OFFERED_TO_OTHER", ...facts };
  }
  const client = { frameworkId: framework.id, role };
  const { share, otherShare, priority, otherPriority } = standings.compare(
    client,
    offer,
    offer.seq,
  );
  const byShare = (): Lost => {
    const shares = { share, other_share: otherShare };
    if (otherShare < share) return { reason: "LOWER_SHARE", ...facts, ...shares };
    if (otherShare === share) return { reason: "EQUAL_SHARE", ...facts, ...shares };
    return { reason: "OFFERED_TO_OTHER", ...facts };
  };
  switch (policy) {
    case "random":
      return { reason: "DRAWN", ...facts };
    case "drf":
      return byShare();
    case "priority": {
      if (otherPriority === priority) return byShare();
      if (otherPriority < priority) return { reason: "OFFERED_TO_OTHER", ...facts };
      const priorities = { priority, other_priority: otherPriority };
      return { reason: "HIGHER_PRIORITY", ...facts, ...priorities };
    }
    default:
      return unreachable(policy);
  }
}
