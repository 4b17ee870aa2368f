/**
 * What holds on many agents that are offered whole, whatever frameworks do: nothing is given twice,
 * the next offer goes to the lowest share that may have it, everybody has his turn, priorities and
 * limits are kept at every single decision, and guarantees are met in the end.
 *
 * Each is tried with something that breaks it, too: a test that cannot fail proves nothing.
 */
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { policies } from "../../../../worker/core/allocator/policies/index.ts";
import {
  comparedPolicy,
  treePolicy,
} from "../../../../worker/core/allocator/policies/role-tree.ts";
import type { Policy } from "../../../../worker/core/allocator/policy.ts";
import { quantityOf } from "../../../../worker/resources/quantities.ts";
import { inHand, quota } from "../words.ts";
import { type Decision, KINDS, Market, plus, roleOf, shareOf, sumOf } from "./market.ts";

const runs = { numRuns: Number(process.env.RUNS ?? 12), seed: Number(process.env.SEED ?? 1) };
// A test of more runs than usual takes longer than a test usually may.
vi.setConfig({ testTimeout: 600_000 });

const STEPS = 40;
const seeds = fc.integer({ min: 0, max: 1_000_000 });

/** A seed with which it is not so, as text. */
type Counterexample = string | undefined;
const NONE: Counterexample = undefined;

function counterexample(isSo: (seed: number) => boolean): Counterexample {
  const details = fc.check(fc.property(seeds, isSo), runs);
  return details.failed ? fc.defaultReportMessage(details) : NONE;
}

/** Agents first, then what frameworks do; every decision is looked at. */
function every(market: Market, isRight: (decision: Decision) => boolean): boolean {
  for (let step = 0; step < STEPS; step++) {
    const decisions = step < 4 ? market.addAgent() : market.act();
    if (!decisions.every(isRight)) return false;
  }
  return true;
}

const original = policies.random;
const table: Record<string, Policy> = policies;

/** A cluster under the policy `random` is under this one until the test ends. */
function instead(policy: Policy): void {
  table.random = policy;
}
afterEach(() => {
  table.random = original;
});

const largestShareFirst = comparedPolicy(
  ({ share, rank }, a, b) => (share[b] ?? 0) - (share[a] ?? 0) || (rank[a] ?? 0) - (rank[b] ?? 0),
);
const byName = comparedPolicy(({ rank }, a, b) => (rank[a] ?? 0) - (rank[b] ?? 0));

test("conservation: what is free, offered and used of the agents is what they have", () => {
  const isConserved = (seed: number): boolean => {
    const market = new Market(seed, { frameworks: 4 });
    return every(market, ({ agentId, resources }) => {
      const { allocation, tables } = market.world.host.state;
      const agent = tables.agent.get(agentId);
      if (agent === undefined || resources.length === 0) return false;
      const parts = plus(sumOf(allocation.free(agent) ?? []), sumOf(allocation.held(agentId)));
      return KINDS.every(
        (kind) => quantityOf(parts, kind) === quantityOf(sumOf(agent.total), kind),
      );
    });
  };
  expect(counterexample(isConserved)).toBe(NONE);
});

/** Nobody who would have been offered the same had a smaller share by its weight. */
function isProgressive(policy: string, maxOffersPerFramework: number) {
  return (seed: number): boolean => {
    const market = new Market(seed, { frameworks: 4, policy, maxOffersPerFramework });
    const weights = new Map(market.frameworks.map((name, at) => [name, 1 + ((seed + at) % 3)]));
    const weight_infos = [...weights].map(([name, weight]) => ({ role: roleOf(name), weight }));
    const call = { type: "UPDATE_WEIGHTS", update_weights: { weight_infos } };
    market.say(`operator ${JSON.stringify(call)}`);
    return every(market, ({ framework, had, rivals }) => {
      const total = market.total();
      const share = (name: string): number =>
        shareOf(had.get(name) ?? {}, total) / (weights.get(name) ?? 1);
      return rivals.every((rival) => share(framework) <= share(rival) + 1e-9);
    });
  };
}

test.each([1_000, 1])("progressive filling, with a cap of %i offers each", (most) => {
  expect(counterexample(isProgressive("drf", most))).toBe(NONE);
});

test("progressive filling does not hold when the largest share comes first", () => {
  instead(largestShareFirst);
  expect(counterexample(isProgressive("random", 1_000))).not.toBe(NONE);
});

/**
 * Whatever they have elsewhere: of k frameworks that decline an agent each is offered it within k
 * turns.
 */
function isBounded(policy: string, frameworks: number) {
  return (seed: number): boolean => {
    const market = new Market(seed, { frameworks, policy });
    for (let step = 0; step < 10; step++) market.act();
    for (const name of market.frameworks) market.say(`revive ${name}`);
    for (const name of market.frameworks) {
      for (const offer of inHand(market.world, name)) market.launch(name, offer, 3_600);
    }
    const [first] = market.say("agent fresh cpus=2 mem=128");
    const turns: string[] = [];
    for (let turn = 0, holder = first?.framework; turn < frameworks && holder; turn++) {
      turns.push(holder);
      const offers = inHand(market.world, holder);
      const isFresh = (offer: string): boolean => {
        const row = market.world.host.state.tables.offer.get(market.world.idOf(offer));
        return row?.agentId === first?.agentId;
      };
      const decisions = market.say(`decline ${holder} ${offers.find(isFresh)} --refuse=0`);
      holder = decisions.find(({ agentId }) => agentId === first?.agentId)?.framework;
    }
    return new Set(turns).size === frameworks;
  };
}

test.each([2, 3, 7])("bounded waiting: each of %i frameworks has its turn", (frameworks) => {
  expect(counterexample(isBounded("drf", frameworks))).toBe(NONE);
});

test("bounded waiting does not hold when nobody is passed over", () => {
  instead(treePolicy((siblings) => siblings.slice(0, 1)));
  expect(counterexample(isBounded("random", 3))).not.toBe(NONE);
});

/** With fewer offers each than agents, everybody who declines comes to see every agent. */
function isBoundedUnderCaps(seed: number): boolean {
  const market = new Market(seed, { frameworks: 3, maxOffersPerFramework: 1 });
  for (let n = 0; n < 4; n++) market.addAgent();
  const seen = new Map(market.frameworks.map((name) => [name, new Set<string>()]));
  for (let turn = 0; turn < 12; turn++) {
    for (const name of market.frameworks) {
      const [offer] = inHand(market.world, name);
      const row = market.world.host.state.tables.offer.get(market.world.idOf(offer ?? ""));
      if (offer === undefined || row === undefined) continue;
      seen.get(name)?.add(row.agentId);
      market.say(`decline ${name} ${offer} --refuse=3600`);
      market.say("tick 1ms");
    }
  }
  return [...seen.values()].every((agents) => agents.size === 4);
}

test("bounded waiting: also under caps everybody comes to see every agent", () => {
  expect(counterexample(isBoundedUnderCaps)).toBe(NONE);
});

/** Whatever a role of higher priority could have used was not offered to a lower one. */
function isByPriority(policy: string) {
  return (seed: number): boolean => {
    const market = new Market(seed, { frameworks: 4, policy });
    const ranks = new Map(market.frameworks.map((name, at) => [name, (seed + at) % 3]));
    const priorities = [...ranks].map(([name, priority]) => ({ role: roleOf(name), priority }));
    market.say(`own ${JSON.stringify({ type: "SET_PRIORITIES", set_priorities: { priorities } })}`);
    return every(market, ({ framework, rivals }) =>
      rivals.every((rival) => (ranks.get(framework) ?? 0) >= (ranks.get(rival) ?? 0)),
    );
  };
}

test("priority: nothing that a higher role with demand could use goes to a lower one", () => {
  expect(counterexample(isByPriority("priority"))).toBe(NONE);
});

test("which does not hold under drf, nor when names decide", () => {
  expect(counterexample(isByPriority("drf"))).not.toBe(NONE);
  instead(byName);
  expect(counterexample(isByPriority("random"))).not.toBe(NONE);
});

/** No role has more than `limit` CPUs after any single decision. */
function isWithinLimits(policy: string, { set, kept }: { set: number; kept: number }) {
  return (seed: number): boolean => {
    const market = new Market(seed, { frameworks: 3, policy });
    for (const name of market.frameworks) {
      market.say(quota(roleOf(name), { limits: { cpus: set } }));
    }
    return every(market, ({ framework, had, resources }) => {
      const after = plus(had.get(framework) ?? {}, sumOf(resources));
      return quantityOf(after, "cpus") <= kept * 1_000;
    });
  };
}

test.each(["drf", "priority"])("%s: no decision takes a role over its limit", (policy) => {
  expect(counterexample(isWithinLimits(policy, { set: 2.5, kept: 2.5 }))).toBe(NONE);
});

test("limits are reached, so that one that is a little too high would be noticed", () => {
  expect(counterexample(isWithinLimits("drf", { set: 2.5, kept: 2.499 }))).not.toBe(NONE);
});

/** After all that others ran has ended once, a role has what it is guaranteed. */
function isGuaranteed(policy: string, cpus: number) {
  return (seed: number): boolean => {
    const market = new Market(seed, { frameworks: 3, policy });
    const others = market.frameworks.slice(1);
    market.say("suppress f1");
    for (let n = 0; n < 4; n++) market.say(`agent b${n} cpus=3 mem=512`);
    const takeAll = (name: string): void => {
      for (const offer of inHand(market.world, name)) market.launch(name, offer);
    };
    for (const name of others) takeAll(name);
    if (cpus > 0) market.say(quota("r1", { guarantees: { cpus } }));
    market.say("revive f1");
    for (let n = 0; n < 80; n++) {
      // f1's tasks run for ever.
      market.finishTask((name) => name !== "f1");
      market.say("tick 1001ms");
      for (const name of market.frameworks) takeAll(name);
      const { task } = market.world.host.state.tables;
      const own = [...task.values()].filter(({ role }) => role === "r1");
      const has = own.map(({ resources }) => sumOf(resources)).reduce(plus, {});
      if (quantityOf(has, "cpus") >= 9_000) return true;
    }
    return false;
  };
}

test.each(["drf", "priority"])("%s: a guarantee that can be met is met in the end", (policy) => {
  expect(counterexample(isGuaranteed(policy, 9))).toBe(NONE);
});

test("without the guarantee the role does not come by as much", () => {
  expect(counterexample(isGuaranteed("drf", 0))).not.toBe(NONE);
});
