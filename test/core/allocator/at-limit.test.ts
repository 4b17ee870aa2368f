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

test("an agent that is withheld as a whole is offered when the role has room again", () => {
  const world = after(World, quota("eng", { limits: { cpus: 4, mem: 1_024 } }));
  for (const name of ["a1", "a2"]) say(world, `agent ${name} cpus=4 mem=1024`);
  say(world, "framework f1 --roles=eng");
  const [first, second] = offered(world, "f1", { agent: "a1" }) > 0 ? ["a1", "a2"] : ["a2", "a1"];
  expect([offered(world, "f1", { agent: first }), offered(world, "f1")]).toEqual([4, 4]);
  say(world, "decline f1 o1 --refuse=3600");
  say(world, "tick 1001ms");
  expect([offered(world, "f1", { agent: second }), offered(world, "f1")]).toEqual([4, 4]);
});

/** An agent with a disk that can be cut, and a smaller one that is mounted. */
function withTwoDisks() {
  const agent_info = {
    hostname: "a1",
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 4 } },
      { name: "mem", type: "SCALAR", scalar: { value: 1_024 } },
      { name: "disk", type: "SCALAR", scalar: { value: 1_000 } },
      {
        name: "disk",
        type: "SCALAR",
        scalar: { value: 500 },
        disk: { source: { type: "MOUNT", mount: { root: "/mnt/1" } } },
      },
    ],
  } as const;
  return {
    protocol_version: 1,
    session_id: "s",
    agent_info,
    ip: "10.0.0.1",
    version: "1.12.0",
    capabilities: [{ type: "MULTI_ROLE" }] as const,
  };
}

test("a mounted disk is offered whole or not at all, any other in part", () => {
  const mounted = (limit: number): readonly [number, number] => {
    const world = after(World, quota("eng", { limits: { disk: limit } }));
    say(world, "framework f1 --roles=eng");
    world.apply({ type: "AGENT_REGISTER", request: withTwoDisks() });
    const [offer] = world.host.state.tables.offer.values();
    const disks = (offer?.resources ?? []).filter(({ name }) => name === "disk");
    const sum = (isMounted: boolean): number =>
      disks
        .filter(({ disk }) => (disk?.source !== undefined) === isMounted)
        .reduce((all, disk) => all + (disk.kind === "SCALAR" ? disk.thousandths / 1_000 : 0), 0);
    return [sum(false), sum(true)];
  };
  expect(mounted(300)).toEqual([300, 0]);
  expect(mounted(1_499)).toEqual([1_000, 0]);
  expect(mounted(1_500)).toEqual([1_000, 500]);
});

test("who refused a disk is offered the mounted one that others leave of the same kind", () => {
  // Guaranteed either disk, and allowed no more than one of them.
  const world = after(
    World,
    quota("web", { guarantees: { disk: 500, mem: 256 }, limits: { disk: 1_000 } }),
    "framework f1 --roles=web",
    "framework f2 --roles=other",
    "suppress f2",
  );
  world.apply({ type: "AGENT_REGISTER", request: withTwoDisks() });
  expect(disks(world, "f1")).toEqual([1_000]);
  say(world, "revive f2");
  say(world, "decline f1 o1 --refuse=3600");
  expect([disks(world, "f2"), disks(world, "f1")]).toEqual([[1_000], [500]]);
});

/** Sizes of the disks that the framework has in offers. */
function disks(world: World, framework: string): readonly number[] {
  const offers = world.host.state.index.offersOfFramework(world.frameworkId(framework));
  const resources = offers.flatMap((offer) => offer.resources);
  return resources.flatMap((resource) =>
    resource.name === "disk" && resource.kind === "SCALAR" ? [resource.thousandths / 1_000] : [],
  );
}
