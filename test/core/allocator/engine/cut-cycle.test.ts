/** A cycle that is too long for one turn, and what becomes of those it has not come to. */
import { expect, test } from "vitest";
import type { Budget, Gate } from "../../../../worker/core/allocator/engine/gate.ts";
import { OFFERS_PER_TURN } from "../../../../worker/core/constants.ts";
import { nextDueMs } from "../../../../worker/core/master.ts";
import { defined } from "../../../../worker/std/assert.ts";
import { prng } from "../../../../worker/std/prng.ts";
import { BenchCluster } from "../../../bench/allocator-cluster.ts";

const AGENTS = 2 * OFFERS_PER_TURN + 100;

function cluster(): BenchCluster {
  const made = new BenchCluster({ agents: AGENTS, frameworks: 5 });
  made.wantOffers();
  return made;
}

/** How many offers each framework has. */
function shares({ state }: BenchCluster): readonly number[] {
  return state.tables.framework.rows().map(({ id }) => state.index.offersOfFramework(id).length);
}

test("a turn makes so many offers at most, and the next one is wanted at once", () => {
  const made = cluster();
  const counts: number[] = [];
  while (nextDueMs(made.state) === 0) {
    made.apply({ type: "TIMER_DUE" });
    counts.push(made.state.tables.offer.size);
  }
  expect(counts).toEqual([OFFERS_PER_TURN, 2 * OFFERS_PER_TURN, AGENTS]);
});

test("nobody is better off in one half of a cut cycle than in the other", () => {
  const made = cluster();
  while (made.state.allocation.hasWork()) {
    made.apply({ type: "TIMER_DUE" });
    const now = shares(made);
    expect(Math.max(...now) - Math.min(...now)).toBeLessThanOrEqual(1);
  }
});

test("an agent that is freed again and again waits for those that the cycle has not come to", () => {
  const made = cluster();
  const { offer } = made.state.tables;
  made.apply({ type: "TIMER_DUE" });
  const again = defined([...offer.values()][0], "something is offered").agentId;
  const turnsOf: number[] = [];
  for (let turn = 1; made.state.allocation.hasWork(); turn++) {
    for (const { id } of made.state.index.offersOfAgent(again)) offer.delete(id);
    made.apply({ type: "TIMER_DUE" });
    if (made.state.index.offersOfAgent(again).length > 0) turnsOf.push(turn);
  }
  // It is offered again when the cycle that it had its turn in is over, and everybody has been.
  expect(turnsOf).toEqual([2]);
  expect(offer.size).toBe(AGENTS);
});

/** What the engine decides of all agents, in the order of their slots. */
function decided({ state }: BenchCluster, budgets: () => Budget): readonly string[] {
  const engine = defined(state.allocation.engine(), "the policy has a tree");
  const decisions: string[] = [];
  const unasked = (): never => {
    throw new Error("clients and agents are plain here");
  };
  const gate: Gate = {
    admits: unasked,
    isEnough: unasked,
    refuses: unasked,
    lookAtRows: unasked,
    isAtCap: () => false,
    passedOver: () => undefined,
    offer: (client, agent, given) => {
      decisions.push(`${engine.tree.clientAt(client).frameworkId} ${agent} ${given.thousandths}`);
      engine.hold(client, agent, given);
    },
  };
  let agents: readonly number[] = [...state.allocation.agents.slots()];
  for (let cycle = 0; agents.length > 0; cycle++) {
    if (cycle > 10 * AGENTS) throw new Error("a cycle that is cut makes no headway");
    agents = engine.decide({ agents, gate, random: prng(1), budget: budgets() });
  }
  return decisions;
}

test.each([
  ["a single step", { offers: Number.POSITIVE_INFINITY, work: 1 }],
  ["one offer", { offers: 1, work: Number.POSITIVE_INFINITY }],
])("guarantees are met, and the rest is given, also when a cycle is cut after %s", (_name, cut) => {
  const made = new BenchCluster({ agents: 40, frameworks: 60, roleEach: true });
  const amount = { cpus: { value: 8 } };
  const quota_configs = made
    .frameworks()
    .map(({ roles }) => ({ role: roles[0] ?? "", guarantees: amount, limits: {} }));
  const update_quota = { force: true, quota_configs };
  made.apply({ type: "OPERATOR_CALL", call: { type: "UPDATE_QUOTA", update_quota } });
  made.wantOffers();
  const cpus = new Map<string, number>();
  for (const decision of decided(made, () => ({ ...cut }))) {
    const [client = "", , amounts = ""] = decision.split(" ");
    cpus.set(client, (cpus.get(client) ?? 0) + Number(amounts.split(",")[0]));
  }
  // 40 agents have 24 CPUs each: twice as much as is guaranteed, and nothing is left.
  expect([...cpus.values()].every((each) => each >= 8_000)).toBe(true);
  expect([...cpus.values()].reduce((sum, each) => sum + each, 0)).toBe(40 * 24_000);
});

const endless = (): Budget => ({
  offers: Number.POSITIVE_INFINITY,
  work: Number.POSITIVE_INFINITY,
});

test.each([
  ["seven offers", () => ({ offers: 7, work: Number.POSITIVE_INFINITY })],
  ["a hundred steps", () => ({ offers: Number.POSITIVE_INFINITY, work: 100 })],
  ["a single step", () => ({ offers: Number.POSITIVE_INFINITY, work: 1 })],
])("a cycle that is cut after %s decides what it decides in one go", (_name, budgets) => {
  const whole = decided(cluster(), endless);
  expect(whole.length).toBe(AGENTS);
  expect(decided(cluster(), budgets)).toEqual(whole);
});
