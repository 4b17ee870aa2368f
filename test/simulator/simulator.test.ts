/** Each seed is run twice and once more with restarts. */
import { expect, test } from "vitest";
import { optionsOf } from "./options.ts";
import { testSeeds } from "./seeds.ts";
import { simulate } from "./simulate.ts";

testSeeds(0);

test("another seed gives another audit", () => {
  const digest = (seed: number): string => {
    const simulated = simulate(optionsOf(seed, { long: false }), { checked: false });
    return simulated.ok ? simulated.value.digest : "failed";
  };
  expect(new Set([1, 2, 3, 4].map(digest)).size).toBe(4);
});
