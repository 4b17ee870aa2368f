/** What a simulation is made of: how big, how long, and which faults how often. */
import { type Prng, prng } from "../../worker/std/prng.ts";

/** Faults by name. A chance is in [0, 1]. */
export interface FaultRates {
  /**
   * After each turn of the master: it is thrown out of memory; the last turns may not be on its
   * disk.
   */
  readonly masterEvicted: number;
  /** For each turn of the master: its transaction fails. */
  readonly writeFailed: number;
  /** After each step of a relay: it is thrown out of memory. */
  readonly relayEvicted: number;
  /** For each commit of an agent: its process ends before it, after it, or between two effects. */
  readonly agentCrashed: number;
  /** For each container: it cannot be started. */
  readonly launchFailed: number;
  /** For each HTTP request: it never arrives. */
  readonly requestLost: number;
  /** For each HTTP request: it is served, but the answer never arrives. */
  readonly answerLost: number;
  /** For each HTTP request: it arrives twice. */
  readonly requestDuplicated: number;
  /** For each message, and each write to disk: it takes up to seconds instead of milliseconds. */
  readonly slow: number;
  /** For each call between master and relay: it fails on its way, or its answer does. */
  readonly rpcFailed: number;
  /** For each agent and second: nothing gets through for 1 to 120 s. */
  readonly partitioned: number;
  /** For each framework and second: its process ends; another one subscribes after 0 to 40 s. */
  readonly frameworkCrashed: number;
  /** For each framework and second: it stops to read for 1 to 30 s; the master may cut it off. */
  readonly readerStalled: number;
  /** For each call of a framework: it makes the same call twice. */
  readonly callRepeated: number;
}
export type FaultKind = keyof FaultRates;

const FULL_RATES: FaultRates = {
  masterEvicted: 0.02,
  writeFailed: 0.02,
  relayEvicted: 0.01,
  agentCrashed: 0.02,
  launchFailed: 0.05,
  requestLost: 0.05,
  answerLost: 0.05,
  requestDuplicated: 0.05,
  slow: 0.05,
  rpcFailed: 0.05,
  partitioned: 0.015,
  frameworkCrashed: 0.01,
  readerStalled: 0.01,
  callRepeated: 0.05,
};
export const faultKinds = Object.keys(FULL_RATES) as readonly FaultKind[];

export interface Options {
  readonly seed: number;
  readonly agents: number;
  readonly frameworks: number;
  /** Launches of each framework at most. */
  readonly tasks: number;
  /** How long faults occur and frameworks launch, ms. */
  readonly busyMs: number;
  readonly offerTimeoutMs: number | undefined;
  readonly maxOffersPerFramework: number;
  readonly faults: FaultRates;
  /**
   * After every turn another master is made of what is on disk, restarted and checked; and the
   * master itself is evicted every few turns.
   */
  readonly restartAlways: boolean;
}

export interface Size {
  readonly long: boolean;
}

/** Everything that a seed decides. `without`: faults that are left out, everything else equal. */
export function optionsOf(
  seed: number,
  { long }: Size,
  without: readonly FaultKind[] = [],
): Options {
  const random = prng(Math.imul(seed, 0x9e3779b1) ^ 0x51ed270b);
  const scale = long ? 4 : 1;
  return {
    seed,
    agents: 1 + random.below(2 * scale),
    frameworks: long ? 2 + random.below(3) : random.below(3) === 0 ? 3 : 2,
    tasks: (1 + random.below(4)) * scale * scale,
    busyMs: (5_000 + random.below(random.below(8) === 0 ? 80_000 : 12_000)) * scale,
    offerTimeoutMs: random.below(3) === 0 ? 10_000 : undefined,
    // Not drawn: what else a seed decides stays as it is.
    maxOffersPerFramework: seed % 4 === 0 ? 1 : 1_000,
    faults: chooseFaults(random, without),
    restartAlways: false,
  };
}

/**
 * Most seeds have some kinds of fault only: rare faults of one kind are drowned by frequent ones of
 * another.
 */
function chooseFaults(random: Prng, without: readonly FaultKind[]): FaultRates {
  const share = [0, 0.2, 0.5, 1][random.below(4)] ?? 1;
  const rates: Record<string, number> = {};
  for (const kind of faultKinds) {
    const chosen = random.next() < share;
    const strength = 0.3 + 1.4 * random.next();
    rates[kind] = chosen && !without.includes(kind) ? FULL_RATES[kind] * strength : 0;
  }
  // Every key of FULL_RATES was set.
  return rates as unknown as FaultRates;
}
