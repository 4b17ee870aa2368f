/** Values that are in memory once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SharedValues } from "../../worker/core/shared-values.ts";
import type { AgentId } from "../../worker/protocol/ids.ts";
import { equals } from "../../worker/resources/algebra.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { resources } from "../resources/arbitraries.ts";
import { World } from "../scenarios/world.ts";
import { after } from "./allocator/words.ts";

test("equal resources are one object, and what is given back is always equal", () => {
  const shared = new SharedValues();
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      const [first, second] = [shared.resources(a), shared.resources(b)];
      expect([equals(first, a), equals(second, b)]).toEqual([true, true]);
      expect(shared.resources(structuredClone(a))).toBe(first);
      expect(first === second).toBe(equals(a, b));
    }),
  );
});

test("more different values than are kept are all told apart", () => {
  const shared = new SharedValues();
  const cpus = (thousandths: number): Resources => [
    { name: "cpus", reservations: [], kind: "SCALAR", thousandths },
  ];
  for (let amount = 1; amount < 5_000; amount++) {
    expect(shared.resources(cpus(amount))).toEqual(cpus(amount));
    expect(shared.text(`text ${amount}`)).toBe(`text ${amount}`);
    expect(shared.json({ amount })).toEqual({ amount });
  }
});

test("agents of one kind in one place share what they have alike, also after a restart", () => {
  const world = after(
    World,
    "agent a1 cpus=4 mem=1024 --attributes=rack:r1 --domain=eu/eu-1",
    "agent a2 cpus=4 mem=1024 --attributes=rack:r1 --domain=eu/eu-1",
    "agent a3 cpus=8 mem=1024 --attributes=rack:r2 --domain=eu/eu-1",
  );
  for (const restart of [false, true]) {
    if (restart) world.host.evict();
    const rows = ["a1", "a2", "a3"].map((name) =>
      world.host.state.tables.agent.get(world.idOf(name) as AgentId),
    );
    const [a1, a2, a3] = rows;
    expect(a1?.total).toBe(a2?.total);
    expect(a1?.capabilities).toBe(a3?.capabilities);
    expect(a1?.total.find(({ name }) => name === "mem")).toBe(
      a3?.total.find(({ name }) => name === "mem"),
    );
    expect([a1?.attributes === a2?.attributes, a1?.attributes === a3?.attributes]).toEqual([
      true,
      false,
    ]);
  }
});
