/**
 * Many short simulations, each run twice and once more with restarts. The seeds are fixed, so that
 * the same commit has the same result; SIM_SEED moves them.
 */
import { expect, test } from "vitest";
import { optionsOf } from "./options.ts";
import { failureText } from "./report.ts";
import { shrink } from "./shrink.ts";
import { simulate, simulateSeed } from "./simulate.ts";

const SEEDS = 1_000;
/** Tests of this many seeds each, so that progress shows. */
const SEEDS_PER_TEST = 250;
const firstSeed = Number(process.env.SIM_SEED ?? 1);

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

test("another seed gives another audit", () => {
  const digest = (seed: number): string => {
    const simulated = simulate(optionsOf(seed, { long: false }), { checked: false });
    return simulated.ok ? simulated.value.digest : "failed";
  };
  expect(new Set([1, 2, 3, 4].map(digest)).size).toBe(4);
});
