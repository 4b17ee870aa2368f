/** Clients about whom numbers do not say enough: their rows have the last word. */
import { expect, test } from "vitest";
import { World } from "../../../scenarios/world.ts";
import { after, inHand, offered, quota, say } from "../words.ts";

const ON_RACKS = { selector: { attribute_name: "rack" }, predicate: { exists: {} } };

/** A framework in two roles, which in `eng` wants agents in racks only. */
function subscription(name: string): string {
  const framework_info = {
    user: "root",
    name,
    roles: ["eng", "web"],
    capabilities: [{ type: "MULTI_ROLE" }],
  };
  const groups = [{ attribute_constraints: [ON_RACKS] }];
  const offer_constraints = { role_constraints: { eng: { groups } } };
  const suppressed_roles = ["web"];
  return `subscribe ${name} ${JSON.stringify({ framework_info, offer_constraints, suppressed_roles })}`;
}

test("who rules an agent out is not offered it in that role, and in another one he is", () => {
  const world = after(World, subscription("f1"), "agent a1 cpus=4 mem=1024");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "revive f1 web");
  expect(offered(world, "f1", { role: "web" })).toBe(4);
});

test("who rules an agent out does not stand in the way of the next one", () => {
  const world = after(World, subscription("f1"), "framework f2 --roles=eng");
  say(world, "agent a1 cpus=4 mem=1024");
  expect([offered(world, "f1"), offered(world, "f2")]).toEqual([0, 4]);
});

test("a role at its limit is offered no more because one in it rules agents out", () => {
  const world = after(World, quota("eng", { limits: { cpus: 1, mem: 256 } }), subscription("f1"));
  say(world, "framework f2 --roles=eng");
  for (const name of ["a1", "a2"]) say(world, `agent ${name} cpus=4 mem=1024`);
  expect([offered(world, "f1"), offered(world, "f2")]).toEqual([0, 1]);
});
