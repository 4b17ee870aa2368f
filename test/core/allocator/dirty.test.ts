/** Which agents are worth looking at. */
import { expect, test } from "vitest";
import { step } from "../../../worker/core/master.ts";
import type { AgentId, FrameworkId } from "../../../worker/protocol/ids.ts";
import { prng } from "../../../worker/std/prng.ts";
import { World } from "../../scenarios/world.ts";
import { after, inHand, say } from "./words.ts";

const frameworkId = "f" as FrameworkId;

function cluster(): World {
  return after(World, "agent a1 cpus=1", "agent a2 cpus=1", "agent a3 cpus=1");
}

test("a thousand frameworks that want offers at once cost one look at each agent", () => {
  const { allocation } = cluster().host.state;
  expect(allocation.hasWork()).toBe(false);
  for (let n = 0; n < 1_000; n++) allocation.wants(frameworkId);
  expect(allocation.hasWork()).toBe(true);
  expect(new Set(allocation.takeDirty(500, prng(1))).size).toBe(3);
  expect(allocation.hasWork()).toBe(false);
});

test("agents that are not taken at once stay for the next time", () => {
  const { allocation } = cluster().host.state;
  allocation.wants(frameworkId);
  const first = allocation.takeDirty(2, prng(1));
  const rest = allocation.takeDirty(2, prng(2));
  expect([first.length, rest.length]).toEqual([2, 1]);
  expect(new Set([...first, ...rest]).size).toBe(3);
});

test("who wants offers of no agents leaves nothing to do", () => {
  const { allocation } = new World().host.state;
  allocation.wants(frameworkId);
  expect(allocation.hasWork()).toBe(false);
});

test("what waited is put back as it was", () => {
  const world = cluster();
  const { allocation } = world.host.state;
  allocation.restoreDirty([world.idOf("a2") as AgentId]);
  const waiting = allocation.dirtyAgents();
  allocation.wants(frameworkId);
  expect(allocation.dirtyAgents().length).toBe(3);
  allocation.restoreDirty(waiting);
  expect(allocation.takeDirty(500, prng(1))).toEqual([world.idOf("a2")]);
});

/** A turn as it is outside of tests: without a look at everything behind it. */
function revive(world: World, name: string): void {
  const { state, nowMs } = world.host;
  const framework = world.frameworks.get(name);
  const call = { type: "REVIVE", framework_id: { value: framework?.id ?? "" } } as const;
  const input = { type: "SCHEDULER_CALL", streamId: framework?.streamId, call } as const;
  step(state, { turn: 1, nowMs, seed: 1, principal: {}, input });
}

/** How many agents are looked at while `act` goes on. */
function looks(world: World, act: () => void): number {
  const { allocation } = world.host.state;
  const takeDirty = allocation.takeDirty.bind(allocation);
  let count = 0;
  allocation.takeDirty = (...asked) => {
    const agents = takeDirty(...asked);
    count += agents.length;
    return agents;
  };
  act();
  allocation.takeDirty = takeDirty;
  return count;
}

test("a thousand REVIVEs of who has refused and suppressed nothing cost no look at any agent", () => {
  const world = after(World, "framework f1 --roles=web", "framework f2 --roles=b");
  for (const name of ["a1", "a2", "a3"]) say(world, `agent ${name} cpus=1`);
  const count = looks(world, () => {
    for (let n = 0; n < 1_000; n++) revive(world, n % 2 === 0 ? "f1" : "f2");
  });
  expect(count).toBe(0);
});

test("a thousand REVIVEs within a second cost one pass over what was refused", () => {
  const world = cluster();
  say(world, "framework f1 --roles=web");
  for (const offer of inHand(world, "f1")) say(world, `decline f1 ${offer} --refuse=3600`);
  const count = looks(world, () => {
    for (let n = 0; n < 1_000; n++) revive(world, "f1");
  });
  expect(count).toBe(3);
  expect(inHand(world, "f1")).toHaveLength(3);
});

test("REVIVE after SUPPRESS is one pass over all agents", () => {
  const world = after(World, "framework f1 --roles=web", "suppress f1", "agent a1 cpus=1");
  expect(looks(world, () => say(world, "revive f1"))).toBe(1);
  expect(inHand(world, "f1")).toHaveLength(1);
});
