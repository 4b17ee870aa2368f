import type { BuildFacts } from "../protocol/build-facts.ts";
import type * as mesos from "../protocol/v1/mesos.ts";

/** What a deployment decides about its master; the same for one life of the object. */
export interface MasterSettings {
  /** Where clients reach the master, as told in SUBSCRIBED and in the state documents. */
  readonly address: { readonly hostname: string; readonly ip: string; readonly port: number };
  /** The Mesos version that clients are told: they compare it as `N.N.N`. */
  readonly version: string;
  /**
   * When and by whom this code was built, for the version documents; absent = the build does not
   * say.
   */
  readonly build?: BuildFacts;
  /** Where the master is: agents of other regions are for frameworks that ask for them. */
  readonly domain?: mesos.DomainInfo;
  /**
   * Offers that a framework has in hand at once, at most; undefined = any number. Why there is a
   * bound, and why offers end: docs/decisions/0016-no-hoarding.md.
   */
  readonly maxOffersPerFramework?: number;
  /** Offers older than this are rescinded; undefined = never. */
  readonly offerTimeoutMs?: number;
  /**
   * An agent of which nothing is heard for so long, so many times in a row, is unreachable. There
   * are no pings here: only the product counts (`agentSilenceMs`).
   */
  readonly agentPing: { readonly timeoutMs: number; readonly maxTimeouts: number };
  /** Name of the allocation policy of a new cluster. */
  readonly policy: string;
}

/** How long an agent may be silent. */
export function agentSilenceMs({ agentPing }: Pick<MasterSettings, "agentPing">): number {
  return agentPing.timeoutMs * agentPing.maxTimeouts;
}

export const defaultSettings: MasterSettings = {
  address: { hostname: "localhost", ip: "127.0.0.1", port: 5050 },
  version: "1.12.0",
  maxOffersPerFramework: 1_000,
  offerTimeoutMs: 600_000,
  agentPing: { timeoutMs: 15_000, maxTimeouts: 5 },
  policy: "drf",
};
