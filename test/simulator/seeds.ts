/** Many short simulations as tests; two files of them, so that two cores can be at it. */
import { expect, test } from "vitest";
import { optionsOf } from "./options.ts";
import { failureText } from "./report.ts";
import { shrink } from "./shrink.ts";
import { simulateSeed } from "./simulate.ts";

const SEEDS = 500;
/** Tests of this many seeds each, so that progress shows. */
const SEEDS_PER_TEST = 125;

/**
 * The first or the second 500 of 1,000. The seeds are fixed, so that the same commit has the same
 * result; SIM_SEED moves them.
 */
export function testSeeds(half: 0 | 1): void {
  const firstSeed = Number(process.env.SIM_SEED ?? 1) + half * SEEDS;
  for (let from = firstSeed; from < firstSeed + SEEDS; from += SEEDS_PER_TEST) {
    const last = from + SEEDS_PER_TEST - 1;
    test(`whatever fails, every task ends as its container did (seeds ${from} to ${last})`, {
      timeout: 120_000,
    }, () => {
      for (let seed = from; seed <= last; seed++) {
        const simulated = simulateSeed(optionsOf(seed, { long: false }));
        if (simulated.ok) continue;
        const { failure, without } = shrink(simulated.failure, { long: false, without: [] });
        expect.fail(failureText(failure, { long: false, without }));
      }
    });
  }
}
