/** What is too little for an offer. */
import { expect, test } from "vitest";
import { isAllocatable } from "../../../worker/core/allocator/minimum.ts";
import type { FrameworkRow, OfferMinimum } from "../../../worker/core/rows.ts";
import type { Resource, Resources } from "../../../worker/resources/resource.ts";

function framework(...offerMinimums: readonly OfferMinimum[]): FrameworkRow {
  // Nothing else of the row is looked at.
  return { offerMinimums } as unknown as FrameworkRow;
}

const scalar = (name: string, thousandths: number): Resource => ({
  name,
  reservations: [],
  kind: "SCALAR",
  thousandths,
});

test.each<[string, Resources, boolean]>([
  ["0.01 cpus", [scalar("cpus", 10)], true],
  ["less cpus", [scalar("cpus", 9)], false],
  ["32 MB", [scalar("mem", 32_000)], true],
  ["less memory", [scalar("mem", 31_999)], false],
  ["a disk", [scalar("disk", 1_000_000)], false],
])("of %s an offer is made, or not, as in Mesos", (_what, resources, expected) => {
  expect(isAllocatable(framework(), "web", resources)).toBe(expected);
});

test("who takes anything is offered the smallest thing, but not nothing at all", () => {
  const modest = framework({ role: "web", anyOf: [] });
  expect(isAllocatable(modest, "web", [scalar("disk", 1)])).toBe(true);
  expect(isAllocatable(modest, "web", [])).toBe(false);
  // For its other roles the default holds.
  expect(isAllocatable(modest, "ops", [scalar("disk", 1)])).toBe(false);
});
