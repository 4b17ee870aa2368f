import { expect, test } from "vitest";
import type { FrameworkId } from "../../../worker/protocol/ids.ts";
import { play } from "../../scenarios/play.ts";
import { World } from "../../scenarios/world.ts";

function world(...lines: readonly string[]): World {
  const made = new World();
  for (const line of lines) play(made, line);
  return made;
}

function lastMs(world: World, role: string): number | undefined {
  return world.host.state.lastOffers.lastMs(world.frameworkId("f1") as FrameworkId, role);
}

test("the time of a client's last offer stays when the offer is gone, for its role alone", () => {
  const made = world("framework f1 --roles=web,batch", "suppress f1 batch", "agent a1 cpus=1");
  const offeredMs = made.host.nowMs;
  made.host.nowMs += 5_000;
  play(made, "decline f1 o1 --refuse=60");
  expect(lastMs(made, "web")).toBe(offeredMs);
  expect(lastMs(made, "batch")).toBeUndefined();
});

test("a restart does not know it, and says so", () => {
  const made = world("framework f1 --roles=web --failover=60", "agent a1 cpus=1");
  expect(lastMs(made, "web")).toBe(made.host.nowMs);
  made.host.evict();
  expect(lastMs(made, "web")).toBeUndefined();
});

test("it goes with the framework", () => {
  const made = world("framework f1 --roles=web", "agent a1 cpus=1");
  play(made, "teardown f1");
  expect(made.host.state.lastOffers.marks().size).toBe(0);
});
