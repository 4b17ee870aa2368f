/** No framework has more offers in hand than its cap, and what waits for it comes when it may. */
import { expect, test } from "vitest";
import { OfferCaps } from "../../../worker/core/allocator/offer-caps.ts";
import { whatIf } from "../../../worker/core/what-if.ts";
import type { AgentId, FrameworkId } from "../../../worker/protocol/ids.ts";
import { World } from "../../scenarios/world.ts";
import { inHand, say } from "./words.ts";

const f1 = "f1" as FrameworkId;
const agent = (n: number): AgentId => `a${n}` as AgentId;

/** f1 has `most` offers, and so many agents wait for it. */
function full(most: number, waiting: number): OfferCaps {
  const caps = new OfferCaps(most);
  for (let n = 0; n < most; n++) caps.began(f1);
  for (let n = 0; n < waiting; n++) caps.passedOver(f1, agent(n));
  return caps;
}

/** A cluster of so many agents and one framework that may have two offers. */
function cluster(agents: number): World {
  const world = new World({ maxOffersPerFramework: 2 });
  for (let n = 1; n <= agents; n++) say(world, `agent a${n} cpus=1 mem=64`);
  say(world, "framework f1 --roles=web");
  return world;
}

test("at its cap a framework is woken for by nobody", () => {
  const caps = full(2, 5);
  expect([caps.isAtCap(f1), caps.isDue(), caps.takeDue()]).toEqual([true, false, []]);
});

test("as many agents as it may have offers of are woken, and more when these were not it", () => {
  const caps = full(2, 20);
  caps.ended(f1);
  expect(caps.takeDue()).toEqual([agent(0)]);
  expect(caps.takeDue()).toEqual([agent(1), agent(2)]);
  expect(caps.takeDue()).toHaveLength(4);
  caps.began(f1);
  caps.passedOver(f1, agent(3));
  caps.ended(f1);
  expect(caps.takeDue()).toHaveLength(1);
});

test("every agent that waits is woken in the end, and then nothing is due", () => {
  const caps = full(1, 2_000);
  caps.ended(f1);
  const woken = new Set<AgentId>();
  let times = 0;
  for (; caps.isDue(); times++) for (const id of caps.takeDue()) woken.add(id);
  expect(woken.size).toBe(2_000);
  expect(times).toBeLessThan(15);
});

test("an agent that is gone and a framework that is gone are waited for no more", () => {
  const caps = full(1, 2);
  caps.ended(f1);
  caps.forgetAgent(agent(0));
  expect(caps.takeDue()).toEqual([agent(1)]);
  caps.passedOver(f1, agent(1));
  caps.forgetFramework(f1);
  expect(caps.isDue()).toBe(false);
});

test("without a cap a framework is offered everything at once", () => {
  const world = new World({ maxOffersPerFramework: undefined });
  for (let n = 1; n <= 5; n++) say(world, `agent a${n} cpus=1 mem=64`);
  say(world, "framework f1 --roles=web");
  expect(inHand(world, "f1")).toHaveLength(5);
});

test("a framework sees all agents one after the other when it declines, each once", () => {
  const world = cluster(40);
  const seen = new Set<string>();
  for (let n = 0; n < 40; n++) {
    const [offer = ""] = inHand(world, "f1");
    seen.add(world.host.state.tables.offer.get(world.idOf(offer))?.agentId ?? "none");
    say(world, `decline f1 ${offer} --refuse=3600`);
    expect(inHand(world, "f1")).toHaveLength(Math.min(2, 40 - n - 1));
  }
  expect(seen.size).toBe(40);
});

test("agents of which it refused everything keep it from none of the others", () => {
  const world = cluster(2);
  for (const offer of inHand(world, "f1")) say(world, `decline f1 ${offer} --refuse=3600`);
  // They wait for a framework at its cap, although it wants nothing of them.
  for (let n = 3; n <= 4; n++) say(world, `agent a${n} cpus=1 mem=64`);
  const [offer = ""] = inHand(world, "f1");
  for (let n = 5; n <= 9; n++) say(world, `agent a${n} cpus=1 mem=64`);
  say(world, `decline f1 ${offer} --refuse=3600`);
  expect(inHand(world, "f1")).toHaveLength(2);
});

test("the life after an eviction looks at every agent again, within the cap", () => {
  const world = cluster(4);
  world.render(world.host.evict());
  say(world, "framework f1 --roles=web");
  expect(inHand(world, "f1")).toHaveLength(2);
});

test("a step on approval leaves what waits as it was", () => {
  const world = cluster(4);
  const { state, nowMs } = world.host;
  const [offer = ""] = inHand(world, "f1");
  const call = {
    framework_id: { value: world.frameworkId("f1") },
    type: "DECLINE",
    decline: { offer_ids: [{ value: world.idOf(offer) }], filters: { refuse_seconds: 3_600 } },
  } as const;
  const streamId = world.frameworks.get("f1")?.streamId;
  const input = { type: "SCHEDULER_CALL", streamId, call } as const;
  const before = [...state.allocation.capMarks().values()].map(({ agents }) => [...agents]);
  whatIf(state, { turn: 99, nowMs, seed: 1, principal: {}, input }, () => undefined);
  expect([...state.allocation.capMarks().values()].map(({ agents }) => [...agents])).toEqual(
    before,
  );
  expect(before.flat()).toHaveLength(2);
});

test("who lets an offer lie until it is taken back is not offered the same at once", () => {
  const world = new World({ offerTimeoutMs: 30_000 });
  for (const line of ["framework f1 --roles=web", "agent a1 cpus=4 mem=64"]) say(world, line);
  say(world, "tick 30secs");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "tick 1secs");
  expect(inHand(world, "f1")).toEqual(["o2"]);
});
