/** A shared volume of an agent is handed out once a cycle (http-semantics 12.3). */
import { expect, test } from "vitest";
import { World } from "../../scenarios/world.ts";
import { inHand, offered, quota, say } from "./words.ts";

/** a1 has 4 CPUs and a shared volume of role web, and web is guaranteed 2 CPUs and has no more. */
function cluster(): World {
  const world = new World();
  say(world, "agent a1 cpus=4 mem=1024 disk=1000");
  const reservations = [{ type: "DYNAMIC", role: "web" }];
  const disk = { name: "disk", type: "SCALAR", scalar: { value: 64 }, reservations };
  const volume = { container_path: "data", mode: "RW" };
  const made = { ...disk, shared: {}, disk: { persistence: { id: "v1" }, volume } };
  const agent_id = { value: "$a1" };
  const reserve = { agent_id, resources: [disk] };
  const create = { agent_id, volumes: [made] };
  say(world, operator({ type: "RESERVE_RESOURCES", reserve_resources: reserve }));
  say(world, operator({ type: "CREATE_VOLUMES", create_volumes: create }));
  return world;
}

function operator(call: unknown): string {
  return `operator ${JSON.stringify(call)}`;
}

/** Takes anything at all of a1 in the role web, shared volumes too. */
function subscribe(world: World, name: string): void {
  const capabilities = ["MULTI_ROLE", "RESERVATION_REFINEMENT", "SHARED_RESOURCES"];
  const framework_info = {
    user: "root",
    name,
    roles: ["web"],
    capabilities: capabilities.map((type) => ({ type })),
    offer_filters: { web: { min_allocatable_resources: {} } },
  };
  say(world, `subscribe ${name} ${JSON.stringify({ framework_info, suppressed_roles: ["web"] })}`);
}

/** Whose offers have the volume in them. */
function holders(world: World): readonly string[] {
  return ["f1", "f2"].filter((name) => offered(world, name, { kind: "disk" }) > 0);
}

const inService = (type: string, field: string): string =>
  operator({ type, [field]: { agent_id: { value: "$a1" } } });

test("what a guarantee was met with is not offered to another one in the same cycle", () => {
  const world = cluster();
  say(world, quota("web", { guarantees: { cpus: 2 }, limits: { cpus: 2, disk: 64 } }));
  for (const name of ["f1", "f2"]) subscribe(world, name);
  // Both have their chance in one cycle: when the agent comes back into service.
  say(world, inService("DEACTIVATE_AGENT", "deactivate_agent"));
  for (const name of ["f1", "f2"]) say(world, `revive ${name}`);
  expect(holders(world)).toEqual([]);
  say(world, inService("REACTIVATE_AGENT", "reactivate_agent"));
  expect(holders(world)).toHaveLength(1);
});

test("in a later cycle the volume is there for others as well", () => {
  const world = cluster();
  say(world, quota("web", { guarantees: { cpus: 2 }, limits: { cpus: 2, disk: 64 } }));
  for (const name of ["f1", "f2"]) subscribe(world, name);
  say(world, "revive f1");
  expect(holders(world)).toEqual(["f1"]);
  say(world, "revive f2");
  expect(holders(world)).toEqual(["f1", "f2"]);
});

test("REVIVE brings another copy also to who has refused nothing", () => {
  const world = cluster();
  for (const name of ["f1", "f2"]) subscribe(world, name);
  for (const name of ["f1", "f2"]) say(world, `revive ${name}`);
  expect(holders(world)).toEqual(["f1", "f2"]);
  const offers = () => ["f1", "f2"].flatMap((name) => inHand(world, name));
  expect(offers()).toHaveLength(2);
  // Whoever has the smaller share is offered it.
  say(world, "revive f1");
  expect(offers()).toHaveLength(3);
});
