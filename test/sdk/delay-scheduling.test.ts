import { describe, expect, test } from "vitest";
import {
  type DelayPolicy,
  DelayScheduling,
  decideDelay,
  type Locality,
  type Preference,
} from "../../worker/sdk/delay-scheduling.ts";
import { type Prng, prng } from "../../worker/std/prng.ts";

const policy: DelayPolicy = { agentWaitMs: 1_000, rackWaitMs: 500 };
const prefers: Preference = { agents: new Set(["a1"]), racks: new Set(["r1"]) };
const at = (nowMs: number, waitingSinceMs?: number) => ({ nowMs, waitingSinceMs });

describe("one decision", () => {
  test("a preferred agent is taken at once", () => {
    const decision = decideDelay(policy, prefers, { agent: "a1", rack: "r1" }, at(0));
    expect(decision).toEqual({ take: true, locality: "AGENT" });
  });

  test("a task without a preference takes the first offer", () => {
    const none = { agents: new Set<string>(), racks: new Set<string>() };
    expect(decideDelay(policy, none, { agent: "a9" }, at(0))).toMatchObject({ take: true });
  });

  test.each([
    ["the right rack, before the wait for the agent", "r1", 999, false],
    ["the right rack, after it", "r1", 1_000, true],
    ["another rack, after the wait for the agent", "r2", 1_000, false],
    ["another rack, before both waits", "r2", 1_499, false],
    ["another rack, after both waits", "r2", 1_500, true],
  ])("%s", (_, rack, waitedMs, take) => {
    const decision = decideDelay(policy, prefers, { agent: "a2", rack }, at(waitedMs, 0));
    expect(decision.take).toBe(take);
    if (!decision.take) expect(decision.takesAnyAtMs).toBe(1_500);
  });

  test("without racks, any agent is taken after the wait for the agent alone", () => {
    const noRacks = { agents: new Set(["a1"]), racks: new Set<string>() };
    expect(decideDelay(policy, noRacks, { agent: "a2" }, at(1_000, 0)).take).toBe(true);
  });
});

describe("the clock of a key", () => {
  const other = { agent: "a2", rack: "r2" };

  test("starts with the first offer that is let go, not with the first that is seen", () => {
    const delay = new DelayScheduling<string>(policy);
    expect(delay.offered("t", prefers, other, 10_000).take).toBe(false);
    expect(delay.offered("t", prefers, other, 11_499).take).toBe(false);
    expect(delay.offered("t", prefers, other, 11_500).take).toBe(true);
  });

  test("starts anew after a local launch, and stays run out after another", () => {
    const delay = new DelayScheduling<string>(policy);
    delay.offered("j", prefers, other, 0);
    expect(delay.offered("j", prefers, other, 1_500).take).toBe(true);
    expect(delay.offered("j", prefers, other, 1_501).take).toBe(true);
    expect(delay.offered("j", prefers, { agent: "a1" }, 1_502).take).toBe(true);
    expect(delay.offered("j", prefers, other, 1_503).take).toBe(false);
  });

  test("is one for each key and forgotten with it", () => {
    const delay = new DelayScheduling<string>(policy);
    delay.offered("t", prefers, other, 0);
    expect(delay.offered("u", prefers, other, 1_500).take).toBe(false);
    delay.forget("t");
    expect(delay.offered("t", prefers, other, 1_500).take).toBe(false);
  });
});

/**
 * A cluster of 50 agents with 2 slots each, busy: whenever a slot is free, the tasks of the queue
 * are asked in order whether they take it. Each task's data is on 3 random agents; tasks run for 4
 * s on average.
 */
function simulate(random: Prng, agentWaitMs: number) {
  const agents = 50;
  const taskMs = (): number => 2_000 + random.below(4_000);
  const free: { atMs: number; agent: number }[] = [];
  for (let slot = 0; slot < agents * 2; slot++) {
    free.push({ atMs: random.below(4_000), agent: slot % agents });
  }
  const some = (): Set<string> => new Set([1, 2, 3].map(() => `a${random.below(agents)}`));
  const queue = Array.from({ length: 60 }, (_, id) => ({ id, agents: some() }));
  const delay = new DelayScheduling<number>({ agentWaitMs, rackWaitMs: 0 });
  const launched: { readonly locality: Locality; readonly waitedMs: number }[] = [];
  const firstOfferMs = new Map<number, number>();
  for (let nextId = queue.length; launched.length < 5_000; ) {
    free.sort((a, b) => a.atMs - b.atMs);
    const slot = free[0];
    if (slot === undefined) throw new Error("no slot");
    const place = { agent: `a${slot.agent}` };
    const index = queue.findIndex((task) => {
      if (!firstOfferMs.has(task.id)) firstOfferMs.set(task.id, slot.atMs);
      const preference = { agents: task.agents, racks: new Set<string>() };
      const decision = delay.offered(task.id, preference, place, slot.atMs);
      if (!decision.take) return false;
      const waitedMs = slot.atMs - (firstOfferMs.get(task.id) ?? slot.atMs);
      launched.push({ locality: decision.locality, waitedMs });
      delay.forget(task.id);
      return true;
    });
    if (index >= 0) queue.splice(index, 1);
    if (index >= 0) queue.push({ id: nextId++, agents: some() });
    slot.atMs += index >= 0 ? taskMs() : 100;
  }
  const local = launched.filter(({ locality }) => locality === "AGENT").length;
  const waits = launched.map(({ waitedMs }) => waitedMs).sort((a, b) => a - b);
  return { locality: local / launched.length, longestWaitMs: waits.at(-1) ?? 0 };
}

test("on a busy cluster a wait of one task length makes at least 95 % of the tasks local, without it under 20 %", () => {
  const seed = Number(process.env.RIMROCK_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const without = simulate(prng(seed), 0);
  const withWait = simulate(prng(seed), 4_000);
  const figures = `RIMROCK_SEED=${seed} ${JSON.stringify({ without, withWait })}`;
  console.log(figures);
  expect(without.locality, figures).toBeLessThan(0.2);
  expect(withWait.locality, figures).toBeGreaterThanOrEqual(0.95);
  // Bounded: the wait itself, and at most the time to the next free slot.
  expect(withWait.longestWaitMs, figures).toBeLessThan(4_000 + 2_000);
});
