/** Shared volumes, what two resources have in common, and what an agent was configured with. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  add,
  common,
  contains,
  equals,
  normalize,
  subtract,
} from "../../worker/resources/algebra.ts";
import { asConfigured } from "../../worker/resources/conversion.ts";
import type { Resource } from "../../worker/resources/resource.ts";
import { covers, leftOf, pooled, withoutCopies } from "../../worker/resources/shared.ts";
import { resources } from "./arbitraries.ts";

const volume: Resource = {
  name: "disk",
  reservations: [{ type: "DYNAMIC", role: "web" }],
  disk: { persistence: { id: "v" }, volume: { mode: "RW", container_path: "data" } },
  shared: true,
  kind: "SCALAR",
  thousandths: 64_000,
};
const { shared: _, ...ownVolume } = volume;
const cpus = (thousandths: number): Resource => ({
  name: "cpus",
  reservations: [],
  kind: "SCALAR",
  thousandths,
});

test("a shared volume is covered for any number of holders, another one for one", () => {
  expect(covers([volume], normalize([volume, volume, volume]))).toBe(true);
  expect(covers([], [volume])).toBe(false);
  expect(covers([ownVolume], normalize([ownVolume, ownVolume]))).toBe(false);
});

test("a shared volume is left however many hold it", () => {
  const total = normalize([cpus(4_000), volume]);
  const held = normalize([cpus(1_000), volume, volume]);
  expect(leftOf(total, held)).toEqual(normalize([cpus(3_000), volume]));
  expect(leftOf(total, total)).toEqual([volume]);
  expect(leftOf(normalize([ownVolume]), [ownVolume])).toEqual([]);
});

test("offers put together have a shared volume once and everything else in full", () => {
  const part = normalize([cpus(1_000), volume]);
  expect(pooled([part, part])).toEqual(normalize([cpus(2_000), volume]));
  expect(withoutCopies(normalize([ownVolume, ownVolume]))).toHaveLength(2);
});

test("what two have in common is in both, and taking it away leaves nothing in common", () => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      const both = common(a, b);
      const rest = subtract(a, both);
      expect(contains(a, both) && contains(b, both)).toBe(true);
      expect(equals(common(b, a), both)).toBe(true);
      const left = subtract(b, both);
      expect(common(rest, left)).toEqual([]);
      expect(equals(add(rest, both), a)).toBe(true);
    }),
  );
});

test("what was configured is without dynamic reservations and volumes, and in the same amount", () => {
  const stack: Resource = {
    ...cpus(2_000),
    reservations: [
      { type: "STATIC", role: "web" },
      { type: "DYNAMIC", role: "web/api" },
    ],
  };
  const fixed: Resource = { ...cpus(2_000), reservations: [{ type: "STATIC", role: "web" }] };
  expect(asConfigured(normalize([stack, fixed]))).toEqual([{ ...fixed, thousandths: 4_000 }]);
  const { disk, ...plain } = ownVolume;
  expect(asConfigured([volume])).toEqual([{ ...plain, reservations: [] }]);
  expect(disk).toBeDefined();
});
