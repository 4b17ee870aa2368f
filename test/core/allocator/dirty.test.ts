/** Which agents are worth looking at. */
import { expect, test } from "vitest";
import type { AgentId, FrameworkId } from "../../../worker/protocol/ids.ts";
import { prng } from "../../../worker/std/prng.ts";
import { World } from "../../scenarios/world.ts";
import { after } from "./words.ts";

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
