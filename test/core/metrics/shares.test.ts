/** Metrics of ours about roles and frameworks: what they say, and how many there are at most. */
import { expect, test } from "vitest";
import { metricsOf } from "../../../worker/core/metrics/snapshot.ts";
import type { AgentId, FrameworkId, OfferId } from "../../../worker/protocol/ids.ts";
import { World } from "../../scenarios/world.ts";
import { after, inHand, say } from "../allocator/words.ts";

function measured({ host }: World): ReadonlyMap<string, number> {
  const metrics = metricsOf({ state: host.state, nowMs: host.nowMs });
  return new Map(metrics.map(({ name, value }) => [name, value]));
}

test("what is offered to a role and below it, and each framework's share, are measured", () => {
  const world = after(World, "framework f1 --roles=eng/web", "agent a1 cpus=4 mem=1024");
  say(world, `accept f1 ${inHand(world, "f1")[0]} launch t cpus=1 mem=64 --refuse=0`);
  say(world, "suppress f1");
  say(world, "framework f2 --roles=eng");
  const metrics = measured(world);
  expect(metrics.get("rimrock/roles/eng/offered/cpus")).toBe(3);
  expect(metrics.get("rimrock/roles/eng/web/offered/cpus")).toBe(undefined);
  const share = (name: string) =>
    metrics.get(`rimrock/frameworks/${world.frameworkId(name)}/shares/dominant`);
  expect([share("f1"), share("f2")]).toEqual([0.25, 0.9375]);
  expect(metrics.get("rimrock/roles_not_measured")).toBe(0);
});

test("however many roles and frameworks there are, two hundred of each are measured", () => {
  const { host } = new World();
  for (let n = 0; n < 250; n++) {
    host.state.tables.offer.put({
      seq: 1_000 + n,
      // Branded strings are made where ids are made; in tests that is here.
      id: `o${n}` as OfferId,
      frameworkId: `f${n}` as FrameworkId,
      agentId: "a1" as AgentId,
      role: `r${n}`,
      resources: [{ name: "cpus", reservations: [], kind: "SCALAR", thousandths: 1_000 }],
      createdMs: host.nowMs,
    });
  }
  const metrics = metricsOf({ state: host.state, nowMs: host.nowMs });
  const names = metrics.map(({ name }) => name);
  const offered = names.filter((name) => /^rimrock\/roles\/.*\/offered\/cpus$/.test(name));
  const shares = names.filter((name) => /^rimrock\/frameworks\/.*\/shares\/dominant$/.test(name));
  expect([offered.length, shares.length]).toEqual([200, 200]);
  const leftOut = metrics.filter(({ name }) => name.endsWith("_not_measured"));
  expect(leftOut.map(({ value }) => value)).toEqual([50, 50]);
});
