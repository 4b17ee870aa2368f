import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import {
  cpusOf,
  memOf,
  portCountOf,
  scalar,
  scalarOf,
  takeResources,
} from "../../worker/sdk/resources.ts";
import { anOffer } from "./fake-master.ts";

const reserved = (name: string, value: number): mesos.Resource => ({
  ...scalar(name, value),
  reservations: [{ type: "DYNAMIC", role: "web" }],
});
const ports = (...pairs: readonly [number, number][]): mesos.Resource => ({
  name: "ports",
  type: "RANGES",
  ranges: { range: pairs.map(([begin, end]) => ({ begin: BigInt(begin), end: BigInt(end) })) },
});

test("an offer's scalars are counted over all plain resources of the name", () => {
  const offer = anOffer("O1", { resources: [scalar("cpus", 1.5), reserved("cpus", 0.5)] });
  expect(cpusOf(offer)).toBe(2);
  expect(memOf(offer)).toBe(0);
});

test("revocable, shared and persistent resources are not counted and not taken", () => {
  const resources: mesos.Resource[] = [
    { ...scalar("cpus", 1), revocable: {} },
    { ...scalar("disk", 100), disk: { persistence: { id: "v" } } },
    { ...scalar("disk", 100), shared: {} },
  ];
  expect(scalarOf(resources, "cpus")).toBe(0);
  expect(takeResources(resources, { disk: 1 })).toMatchObject({ ok: false });
});

test("ten times a tenth of a cpu fit into one cpu, and nothing is left", () => {
  let rest: readonly mesos.Resource[] = [scalar("cpus", 1)];
  for (let task = 0; task < 10; task++) {
    const result = takeResources(rest, { cpus: 0.1 });
    if (!result.ok) throw new Error(`task ${task}`);
    rest = result.rest;
  }
  expect(rest).toEqual([]);
});

test("reserved resources are taken first and keep their reservation", () => {
  const result = takeResources([scalar("cpus", 4), reserved("cpus", 1)], { cpus: 1.5 });
  expect(result).toEqual({
    ok: true,
    taken: [reserved("cpus", 1), scalar("cpus", 0.5)],
    rest: [scalar("cpus", 3.5)],
    ports: [],
  });
});

test("ports are taken from the lowest up, over several ranges", () => {
  const result = takeResources([ports([31_000, 31_001], [32_000, 32_009])], { ports: 3 });
  expect(result).toMatchObject({
    ok: true,
    ports: [31_000, 31_001, 32_000],
    taken: [ports([31_000, 31_001], [32_000, 32_000])],
    rest: [ports([32_001, 32_009])],
  });
});

test("what does not suffice is named with what there is, and nothing is taken", () => {
  const offered = [scalar("cpus", 1), scalar("mem", 64)];
  expect(takeResources(offered, { cpus: 2, mem: 64, ports: 1 })).toEqual({
    ok: false,
    shortages: [
      { name: "cpus", wanted: 2, available: 1 },
      { name: "ports", wanted: 1, available: 0 },
    ],
  });
});

describe("whatever is taken, taken and rest add up to the offer", () => {
  const amount = fc.integer({ min: 1, max: 8_000 }).map((thousandths) => thousandths / 1_000);
  const range = fc
    .tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 9 }))
    .map(([start, more]): [number, number] => [start * 10, start * 10 + more]);
  const offered = fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom("cpus", "mem"), amount).map(([n, v]) => scalar(n, v)),
      fc.tuple(fc.constantFrom("cpus", "mem"), amount).map(([n, v]) => reserved(n, v)),
      range.map((pair) => ports(pair)),
    ),
    { maxLength: 8 },
  );
  const wanted = fc.record({ cpus: amount, mem: amount, ports: fc.nat(12) });
  test("by name", () => {
    fc.assert(
      fc.property(offered, wanted, (resources, want) => {
        const result = takeResources(resources, want);
        if (!result.ok) {
          expect(result.shortages.length).toBeGreaterThan(0);
          for (const it of result.shortages) expect(it.available).toBeLessThan(it.wanted);
          return;
        }
        for (const name of ["cpus", "mem"] as const) {
          expect(scalarOf(result.taken, name)).toBe(want[name]);
          const total = scalarOf(result.taken, name) + scalarOf(result.rest, name);
          expect(total).toBeCloseTo(scalarOf(resources, name), 6);
        }
        expect(portCountOf(result.taken)).toBe(want.ports);
        expect(result.ports).toHaveLength(want.ports);
        expect(portCountOf(result.rest)).toBe(portCountOf(resources) - want.ports);
      }),
    );
  });
});
