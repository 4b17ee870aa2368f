/**
 * What stands between a client and an agent, as found: a reason, with the facts that somebody needs
 * who wants to do something about it. Units and seconds, named as on the wire.
 */
import type * as own from "../../../../protocol/own/operator.ts";
import type { Barrier } from "../../../allocator/eligible.ts";

export type Finding =
  /** The client has an offer of the agent in hand, or several that together would do. */
  | { readonly reason: "OFFERED"; readonly since_seconds: number }
  /** Nothing stands against an offer: it comes with the next allocation. */
  | { readonly reason: "AVAILABLE" }
  | Problem
  | { readonly reason: "AT_OFFER_CAP"; readonly outstanding_offers: number }
  | { readonly reason: "AGENT_UNREACHABLE"; readonly since_seconds: number }
  | { readonly reason: "AGENT_DEACTIVATED" | "AGENT_DRAINED" }
  | { readonly reason: "AGENT_DRAINING"; readonly since_seconds: number }
  /** Tasks that were thought lost run on what is somebody else's by now. */
  | { readonly reason: "AGENT_OVERCOMMITTED" }
  | { readonly reason: Exclude<Barrier, "FRAMEWORK_NOT_REGION_AWARE" | "CONSTRAINED"> }
  | {
      readonly reason: "FRAMEWORK_NOT_REGION_AWARE";
      readonly region: string;
      readonly home_region: string;
    }
  /** `constraint`: the first one of each alternative that does not hold. */
  | { readonly reason: "CONSTRAINED"; readonly role: string; readonly constraint: string }
  /** Not even the whole agent would do. `amount`: what is wanted; `kind` is short, `free` there. */
  | {
      readonly reason: "TOO_SMALL";
      readonly amount: string;
      readonly kind: string;
      readonly wanted: number;
      readonly free: number;
    }
  /** What would do is reserved; `role`: to whom most of it. */
  | { readonly reason: "RESERVED"; readonly amount: string; readonly role: string }
  /** What would do is of a sort that the framework does not say it understands. */
  | { readonly reason: "NOT_UNDERSTOOD"; readonly amount: string; readonly capability: string }
  /** Tasks and executors hold it; `holder`: those of whom the most. */
  | {
      readonly reason: "IN_USE";
      readonly amount: string;
      readonly holder?: own.ClientName;
    }
  | Lost
  /** The role's tree has as much as it may have; `role`: where the limit is set. */
  | {
      readonly reason: "QUOTA_LIMIT";
      readonly role: string;
      readonly kind: string;
      readonly limit: number;
      readonly consumed: number;
      readonly wanted: number;
    }
  /** What is free is kept for what others are guaranteed and lack. */
  | {
      readonly reason: "QUOTA_HEADROOM";
      readonly kind: string;
      readonly free: number;
      readonly wanted: number;
      readonly guaranteed: readonly own.WhyGuarantee[];
    }
  /** Until then it is not offered what it refused. `call`: how it did. */
  | { readonly reason: "REFUSED"; readonly call: RefusingCall; readonly until_seconds: number }
  /** It answers faster than once a second: nothing of the agent until then (decision 6). */
  | { readonly reason: "BRAKED"; readonly call: RefusingCall; readonly until_seconds: number };

/** What stands against any offer to the client. */
export type Problem =
  /** `until_seconds`: when it is removed, unless it comes back. */
  | {
      readonly reason: "FRAMEWORK_AWAY";
      readonly since_seconds: number;
      readonly until_seconds: number;
    }
  | { readonly reason: "NOT_SUBSCRIBED_TO_ROLE" | "SUPPRESSED"; readonly role: string };

/**
 * Somebody else was offered it. Shares are dominant shares by weight, of the roles or frameworks
 * between which it was decided, when the offer was made: as far as what they have now tells.
 */
export type Lost =
  | {
      readonly reason: "LOWER_SHARE" | "EQUAL_SHARE";
      readonly holder: own.ClientName;
      readonly since_seconds: number;
      readonly share: number;
      readonly other_share: number;
      readonly difference: number;
    }
  | {
      readonly reason: "HIGHER_PRIORITY";
      readonly holder: own.ClientName;
      readonly since_seconds: number;
      readonly priority: number;
      readonly other_priority: number;
    }
  | {
      /**
       * CAME_LATER: the client subscribed after the offer was made. DRAWN: the policy draws lots.
       * OFFERED_TO_OTHER: what is so now does not tell why.
       */
      readonly reason: "CAME_LATER" | "DRAWN" | "OFFERED_TO_OTHER";
      readonly holder: own.ClientName;
      readonly since_seconds: number;
    };

export type RefusingCall = "DECLINE" | "ACCEPT" | "INVALID_ACCEPT" | "TIMEOUT";

/** A finding with whom it is true of. */
export type Explained = Finding &
  Pick<own.WhyGroup, "agent_count" | "client_count" | "agents" | "clients">;

/** Whether two findings are told as one. */
export function keyOf(finding: Finding): string {
  const { reason } = finding;
  const role = "role" in finding ? finding.role : "";
  const holder = "holder" in finding ? finding.holder : undefined;
  const parts = [
    reason,
    role,
    "kind" in finding ? finding.kind : "",
    "call" in finding ? finding.call : "",
    "constraint" in finding ? finding.constraint : "",
    "capability" in finding ? finding.capability : "",
    "region" in finding ? finding.region : "",
    holder === undefined ? "" : `${holder.framework_id} ${holder.role}`,
  ];
  return parts.join("\n");
}

/**
 * Two of one key as one: the earliest end, the longest wait, the most there is; of shares the
 * smallest and the largest.
 */
export function merged(a: Finding, b: Finding): Finding {
  return { ...a, ...mergedTimes(a, b), ...mergedShares(a, b) };
}

/** What of a finding is an amount, whatever its reason. */
type Amounts = Pick<
  Partial<own.WhyGroup>,
  | "since_seconds"
  | "until_seconds"
  | "until_last_seconds"
  | "free"
  | "share"
  | "share_most"
  | "other_share"
  | "other_share_most"
  | "difference"
  | "difference_most"
>;

type Facts = Pick<Finding, "reason"> & Amounts;

function mergedTimes(a: Facts, b: Facts): Amounts {
  const { since_seconds: since, until_seconds: until, free } = a;
  const last = a.until_last_seconds ?? until;
  return {
    ...(since !== undefined && { since_seconds: Math.max(since, b.since_seconds ?? 0) }),
    ...(until !== undefined && { until_seconds: Math.min(until, b.until_seconds ?? until) }),
    ...(last !== undefined && {
      until_last_seconds: Math.max(last, b.until_last_seconds ?? b.until_seconds ?? last),
    }),
    ...(free !== undefined && { free: Math.max(free, b.free ?? free) }),
  };
}

function mergedShares(a: Facts, b: Facts): Amounts {
  if (a.share === undefined || b.share === undefined) return {};
  const [other, otherB] = [a.other_share ?? 0, b.other_share ?? 0];
  const [difference, differenceB] = [a.difference ?? 0, b.difference ?? 0];
  return {
    share: Math.min(a.share, b.share),
    share_most: Math.max(a.share_most ?? a.share, b.share),
    other_share: Math.min(other, otherB),
    other_share_most: Math.max(a.other_share_most ?? other, otherB),
    difference: Math.min(difference, differenceB),
    difference_most: Math.max(a.difference_most ?? difference, differenceB),
  };
}
