/** Every failure of Mesos' allocator that we mean not to repeat has a test with its number. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** By what they were about. Source: Mesos' changelog. */
const failures: Readonly<Record<string, readonly number[]>> = {
  "starvation by order": [3202],
  "filters that end late, leak, or end with another role's": [4302, 251, 9852, 9856],
  "suppressing roles": [7430, 8200, 9870, 9932],
  "quota gamed, late or exceeded": [4527, 4102, 7099],
  "quota in a tree of roles, and headroom": [7402, 8293, 8339, 8352, 8604, 9688, 9691],
  "guarantees in pieces, and ports": [8935, 9324],
  "offers of a dropped role, invalid offers, shared volumes": [7135, 1400, 6257],
  "floating point, and huge quotas": [3552, 7197, 10008],
  "the same added twice": [5279, 6308, 7566],
};

const names = readdirSync(new URL("./", import.meta.url))
  .filter((file) => /^mesos-.*failures\.test\.ts$/.test(file))
  .flatMap((file) => {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    return [...text.matchAll(/^test\(\s*"MESOS-([\d, ]+):/gm)].map(([, numbers = ""]) => numbers);
  });
const named = new Set(names.flatMap((numbers) => numbers.split(",").map(Number)));

test.each(Object.entries(failures))("%s: %j have tests", (_what, numbers) => {
  expect(numbers.filter((number) => !named.has(number))).toEqual([]);
});
