/**
 * What the DRF paper proves of one divisible pool, up to the size of tasks: sharing incentive,
 * strategy-proofness, envy-freeness and Pareto efficiency; and that each of these tests notices a
 * policy that does not have the property.
 *
 * How much "up to the size of tasks" is: the policy never serves one whose share is above another's
 * who waits, so when the pool is full shares differ by one task at most, and of the kind that is
 * used up less than one task is left.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { policies } from "../../../../worker/core/allocator/policies/index.ts";
import {
  comparedPolicy,
  treePolicy,
} from "../../../../worker/core/allocator/policies/role-tree.ts";
import type { Policy } from "../../../../worker/core/allocator/policy.ts";
import {
  bundle,
  demands,
  dominantShare,
  fill,
  fits,
  LARGEST_TASK,
  POOL,
  task,
  tasksOn,
  type Units,
} from "./pool.ts";

const runs = { numRuns: 60, seed: Number(process.env.SEED ?? 1) };

/** A case in which the property does not hold, made as small as possible, as text. */
type Counterexample = string | undefined;
const NONE: Counterexample = undefined;

function counterexample<T>(property: fc.IProperty<T>): Counterexample {
  const details = fc.check(property, runs);
  return details.failed ? fc.defaultReportMessage(details) : NONE;
}

/** Rounding of sums of fractions. */
const EPSILON = 1e-9;

/** Everybody has at least what an equal part of the pool (or one by its weight) would give it. */
function sharingIncentive(policy: Policy): Counterexample {
  const weight = fc.integer({ min: 1, max: 4 });
  const weights = fc.array(weight, { minLength: 5, maxLength: 5 });
  const property = fc.property(demands, weights, (tasks, given) => {
    const mine = given.slice(0, tasks.length);
    const { whenFull } = fill(policy, tasks, mine);
    const sum = mine.reduce((all, one) => all + one, 0);
    for (const [at, own] of tasks.entries()) {
      const share = dominantShare(bundle(whenFull[at] ?? 0, own));
      const due = (mine[at] ?? 1) / sum;
      // One task by which others are ahead of it (more of them for a greater weight), and the last
      // one that did not fit.
      const slack = LARGEST_TASK * (1 + (mine[at] ?? 1));
      if (share < due - slack - EPSILON) return false;
    }
    return true;
  });
  return counterexample(property);
}

/** Nobody could run more with what another one has, but for one task of the other's. */
function envyFreeness(policy: Policy): Counterexample {
  const property = fc.property(demands, (tasks) => {
    const { whenFull } = fill(policy, tasks);
    const has = tasks.map((own, at) => bundle(whenFull[at] ?? 0, own));
    return tasks.every((own, at) => {
      const share = dominantShare(has[at] ?? []);
      return has.every((other, from) => {
        const wouldRun = dominantShare(bundle(tasksOn(other, own), own));
        return wouldRun <= share + dominantShare(tasks[from] ?? []) + EPSILON;
      });
    });
  });
  return counterexample(property);
}

/**
 * Nobody runs more by saying that its tasks are larger or smaller than they are. The slack: the
 * largest kind of a task is at most three times its smallest, so what is gained of one kind shows
 * in the one that is used up as a third at least.
 */
function strategyProofness(policy: Policy): Counterexample {
  const property = fc.property(demands, task, (tasks, lie) => {
    const [truth = []] = tasks;
    const honest = fill(policy, tasks).whenFull[0] ?? 0;
    const lying = fill(policy, [lie, ...tasks.slice(1)]).whenFull[0] ?? 0;
    const useful = tasksOn(bundle(lying, lie), truth);
    const gain = dominantShare(bundle(useful - honest, truth));
    return useful <= honest || gain <= 3 * LARGEST_TASK + EPSILON;
  });
  return counterexample(property);
}

/** In the end nobody could be given another task without taking one from somebody. */
function paretoEfficiency(policy: Policy): Counterexample {
  const property = fc.property(demands, (tasks) => {
    const { atEnd } = fill(policy, tasks);
    const free = freeOf(tasks, atEnd);
    return free.every((units) => units >= 0) && !tasks.some((own) => fits(own, free));
  });
  return counterexample(property);
}

function freeOf(tasks: readonly Units[], counts: readonly number[]): Units {
  return POOL.map((units, kind) =>
    tasks.reduce((left, own, at) => left - (counts[at] ?? 0) * (own[kind] ?? 0), units),
  );
}

const properties = { sharingIncentive, envyFreeness, strategyProofness, paretoEfficiency };

/** With equal priorities, `priority` is `drf`. */
const fair = ["drf", "priority"] as const;

test.each(
  fair.flatMap((name) => Object.entries(properties).map((each) => [name, ...each] as const)),
)("%s: %s", (name, _property, of) => {
  expect(of(policies[name])).toBe(NONE);
});

/** As many tasks for everybody, however large they are. */
const equalTasks = comparedPolicy(
  ({ turns, rank }, a, b) => (turns[a] ?? 0) - (turns[b] ?? 0) || (rank[a] ?? 0) - (rank[b] ?? 0),
);

/** The largest share first. */
const winnerTakesAll = comparedPolicy(
  ({ share, rank }, a, b) => (share[b] ?? 0) - (share[a] ?? 0) || (rank[a] ?? 0) - (rank[b] ?? 0),
);

/** Nobody's turn comes before his whose turn it is, whether he can use it or not. */
const headOfLine = treePolicy((siblings) =>
  [...siblings].sort((a, b) => a.share - b.share || (a.name < b.name ? -1 : 1)).slice(0, 1),
);

test.each([
  ["sharingIncentive", "equal tasks for everybody", equalTasks],
  ["sharingIncentive", "the winner takes all", winnerTakesAll],
  ["envyFreeness", "equal tasks for everybody", equalTasks],
  ["envyFreeness", "the winner takes all", winnerTakesAll],
  ["strategyProofness", "equal tasks for everybody", equalTasks],
  ["paretoEfficiency", "nobody is passed over", headOfLine],
] as const)("%s does not hold when %s", (property, _what, policy) => {
  expect(properties[property](policy)).not.toBe(NONE);
});
