/** What a role at its limit is offered all the same. */
import { expect, test } from "vitest";
import { World } from "../../scenarios/world.ts";
import { after, offered, quota, say } from "./words.ts";

function subscription(name: string, sets: readonly Readonly<Record<string, number>>[]): string {
  const quantities = sets.map((set) => ({
    quantities: Object.fromEntries(Object.entries(set).map(([kind, value]) => [kind, { value }])),
  }));
  const framework_info = {
    user: "root",
    name,
    roles: ["eng"],
    capabilities: [{ type: "MULTI_ROLE" }],
    offer_filters: { eng: { min_allocatable_resources: { quantities } } },
  };
  return `subscribe ${name} ${JSON.stringify({ framework_info })}`;
}

test("who takes a disk alone is offered it, though its role has no CPU and no memory left", () => {
  const world = after(World, quota("eng", { limits: { cpus: 0, mem: 0 } }));
  say(world, "framework f1 --roles=eng");
  say(world, "agent a1 cpus=4 mem=1024 disk=500");
  expect(offered(world, "f1", { kind: "disk" })).toBe(0);
  say(world, subscription("f2", [{ disk: 100 }]));
  expect([offered(world, "f2", { kind: "disk" }), offered(world, "f2")]).toEqual([500, 0]);
});

test("who takes anything is offered the ports, but not a port-less nothing", () => {
  const world = after(World, quota("eng", { limits: { cpus: 0, mem: 0 } }), subscription("f1", []));
  say(world, "agent a1 cpus=4 mem=1024");
  expect(world.host.state.tables.offer.size).toBe(0);
  say(world, "agent a2 cpus=4 mem=1024 ports=[31000-31009]");
  expect([offered(world, "f1", { kind: "ports" }), offered(world, "f1")]).toEqual([10, 0]);
});
