/** What GET_ROLES and `/roles` say of roles beside what Mesos says. */
import { expect, test } from "vitest";
import { wholeText } from "../../../worker/core/operator/documents/long-text.ts";
import { rolesDocument } from "../../../worker/core/operator/documents/roles.ts";
import { dominantShare } from "../../../worker/core/role/share.ts";
import type * as own from "../../../worker/protocol/own/operator.ts";
import { World } from "../../scenarios/world.ts";
import { after, inHand, quota, say } from "../allocator/words.ts";

interface Role {
  readonly name: string;
  readonly rimrock: own.RoleStanding;
}

/** By name. */
function standings({ host }: World): ReadonlyMap<string, own.RoleStanding> {
  const { roles } = JSON.parse(wholeText(rolesDocument(host.state))) as { roles: readonly Role[] };
  return new Map(roles.map(({ name, rimrock }) => [name, rimrock]));
}

/** Of 8 CPUs and 2,048 MB f1 has a task in eng/web and an offer, f2 an offer in batch. */
function cluster(): World {
  const world = after(World, "framework f1 --roles=eng/web", "agent a1 cpus=4 mem=1024");
  say(world, `accept f1 ${inHand(world, "f1")[0]} launch t cpus=1 mem=512 --refuse=0`);
  say(world, "framework f2 --roles=batch");
  say(world, "agent a2 cpus=4 mem=1024");
  say(world, "tick 1001ms");
  return world;
}

test("a role has the share of what it and the roles below have, by its weight", () => {
  const world = cluster();
  const weight_infos = [{ role: "eng", weight: 2 }];
  say(
    world,
    `operator ${JSON.stringify({ type: "UPDATE_WEIGHTS", update_weights: { weight_infos } })}`,
  );
  const roles = standings(world);
  const { share, dominant, allocated, offered } = roles.get("eng") ?? {};
  const cpus = (allocated?.cpus ?? 0) + (offered?.cpus ?? 0);
  const mem = (allocated?.mem ?? 0) + (offered?.mem ?? 0);
  expect(share).toBe(Math.max(cpus / 8, mem / 2_048) / 2);
  expect(dominant).toBe(cpus / 8 >= mem / 2_048 ? "cpus" : "mem");
  expect(roles.get("eng/web")?.share).toBe((share ?? 0) * 2);
});

test("each framework is told with what it has of the role, and how many offers", () => {
  const world = cluster();
  const [standing] = standings(world).get("batch")?.frameworks ?? [];
  expect(standing?.framework_id).toBe(world.frameworkId("f2"));
  expect(standing?.offers).toBe(inHand(world, "f2").length);
  const [own] = standings(world).get("eng/web")?.frameworks ?? [];
  expect(own?.allocated).toEqual({ cpus: 1, mem: 512 });
  expect(own?.share).toBeGreaterThanOrEqual(0.25);
});

test("priority, guarantees, limits and what counts against them are told", () => {
  const world = cluster();
  say(world, quota("eng", { guarantees: { cpus: 1 }, limits: { cpus: 3, mem: 600 } }));
  const priorities = [{ role: "eng", priority: 7 }];
  say(world, `own ${JSON.stringify({ type: "SET_PRIORITIES", set_priorities: { priorities } })}`);
  expect(standings(world).get("eng")).toMatchObject({
    priority: 7,
    guarantees: { cpus: 1 },
    limits: { cpus: 3, mem: 600 },
    consumed: { cpus: 1, mem: 512 },
  });
});

test("a role that has nothing has a share of 0, and no kind of which it is", () => {
  const world = after(World, "framework f1 --roles=idle", "suppress f1");
  const standing = standings(world).get("idle");
  expect([standing?.share, standing && "dominant" in standing]).toEqual([0, false]);
});

test.each([
  ["the largest fraction counts", { cpus: 1, mem: 3 }, 1, { share: 0.3, dominant: "mem" }],
  ["a weight divides it", { cpus: 4 }, 2, { share: 0.2, dominant: "cpus" }],
  [
    "of equal fractions the first by name",
    { mem: 5, cpus: 5 },
    1,
    { share: 0.5, dominant: "cpus" },
  ],
  ["a kind that the total lacks counts as 0", { gpus: 5 }, 1, { share: 0 }],
  ["a name like a method of objects is a kind", { constructor: 5 }, 1, { share: 0 }],
  ["more than there is counts as more", { cpus: 20 }, 1, { share: 2, dominant: "cpus" }],
] as const)("a share: %s", (_rule, has, weight, share) => {
  expect(dominantShare(has, { cpus: 10, mem: 10 }, weight)).toEqual(share);
});
