/**
 * Delay scheduling: a task that would rather run on certain agents (its data is there) lets offers
 * of other agents pass for a bounded time. Since tasks end all the time, waiting a little usually
 * brings an offer of a preferred agent, and locality rises to nearly all tasks at a small cost in
 * waiting.
 *
 * Source: Zaharia et al., "Delay Scheduling: A Simple Technique for Achieving Locality and Fairness
 * in Cluster Scheduling", EuroSys 2010, algorithm 2 with its levels: node, then rack, then
 * anywhere.
 *
 * The clock of a task runs only while it is passed over: it starts with the first offer that it
 * lets go.
 */

/** How close an agent is to what a task prefers. */
export type Locality = "AGENT" | "RACK" | "ANY";

export interface DelayPolicy {
  /** How long offers of other agents are let go before one in the right rack is taken; ms. */
  readonly agentWaitMs: number;
  /** How much longer offers of other racks are let go before any is taken; ms. */
  readonly rackWaitMs: number;
}

/** What an offer means to a task: the preference it fulfils. */
export interface Preference {
  /** Agents (ids or host names) that have the task's data; empty = no preference. */
  readonly agents: ReadonlySet<string>;
  /** Racks of those agents; empty = racks play no part. */
  readonly racks: ReadonlySet<string>;
}

export interface OfferPlace {
  readonly agent: string;
  readonly rack?: string;
}

/**
 * Take it, and how local it is; or let it pass, and until when at most (ms of the caller's clock).
 */
export type DelayDecision =
  | { readonly take: true; readonly locality: Locality }
  | { readonly take: false; readonly takesAnyAtMs: number };

export function localityOf(preference: Preference, place: OfferPlace): Locality {
  if (preference.agents.has(place.agent)) return "AGENT";
  if (place.rack !== undefined && preference.racks.has(place.rack)) return "RACK";
  return "ANY";
}

/**
 * The decision for one task and one offer. Pure.
 *
 * `waitingSinceMs`: when the task first let an offer pass since it last had one taken; undefined =
 * never.
 */
export function decideDelay(
  policy: DelayPolicy,
  preference: Preference,
  place: OfferPlace,
  time: { readonly nowMs: number; readonly waitingSinceMs: number | undefined },
): DelayDecision {
  const locality = localityOf(preference, place);
  const sinceMs = time.waitingSinceMs ?? time.nowMs;
  const waitedMs = time.nowMs - sinceMs;
  const hasPreference = preference.agents.size > 0 || preference.racks.size > 0;
  const hasRacks = preference.racks.size > 0;
  const anyAfterMs = policy.agentWaitMs + (hasRacks ? policy.rackWaitMs : 0);
  const takes =
    !hasPreference ||
    locality === "AGENT" ||
    (locality === "RACK" && waitedMs >= policy.agentWaitMs) ||
    waitedMs >= anyAfterMs;
  return takes ? { take: true, locality } : { take: false, takesAnyAtMs: sinceMs + anyAfterMs };
}

/**
 * Keeps the clocks of tasks that wait, by any key of the author's: a task's id, or a job's for all
 * its tasks.
 */
export class DelayScheduling<K> {
  readonly #policy: DelayPolicy;
  readonly #waitingSinceMs = new Map<K, number>();

  constructor(policy: DelayPolicy) {
    this.#policy = policy;
  }

  /**
   * Whether `key` takes this offer; remembers that it let it pass. Launching more than one task
   * under a key: after each local launch the clock starts anew, after one that is not local it
   * stays run out, as in the paper, so that a job which must wait does not wait again for every
   * task.
   */
  offered(key: K, preference: Preference, place: OfferPlace, nowMs: number): DelayDecision {
    const waitingSinceMs = this.#waitingSinceMs.get(key);
    const decision = decideDelay(this.#policy, preference, place, { nowMs, waitingSinceMs });
    if (!decision.take && waitingSinceMs === undefined) this.#waitingSinceMs.set(key, nowMs);
    if (decision.take && decision.locality === "AGENT") this.#waitingSinceMs.delete(key);
    return decision;
  }

  /** Nothing waits under `key` any more. */
  forget(key: K): void {
    this.#waitingSinceMs.delete(key);
  }
}
