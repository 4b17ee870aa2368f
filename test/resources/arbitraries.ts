/** Random resources for properties: few names, roles and ports, so that they often meet. */
import fc from "fast-check";
import { normalize } from "../../worker/resources/algebra.ts";
import type { Reservation, Resource, Resources } from "../../worker/resources/resource.ts";

const reservations: fc.Arbitrary<readonly Reservation[]> = fc.constantFrom<readonly Reservation[]>(
  [],
  [],
  [{ type: "STATIC", role: "web" }],
  [{ type: "DYNAMIC", role: "web" }],
  [{ type: "DYNAMIC", role: "web", principal: "ops" }],
  [{ type: "DYNAMIC", role: "web", labels: { labels: [{ key: "a" }, { key: "b", value: "1" }] } }],
  [
    { type: "STATIC", role: "web" },
    { type: "DYNAMIC", role: "web/api" },
  ],
);

const scalar: fc.Arbitrary<Resource> = fc.record({
  name: fc.constantFrom("cpus", "mem"),
  reservations,
  kind: fc.constant("SCALAR" as const),
  thousandths: fc.integer({ min: 0, max: 1_000_000 }),
});

const revocableScalar: fc.Arbitrary<Resource> = fc
  .integer({ min: 1, max: 10_000 })
  .map((thousandths) => ({
    name: "cpus",
    reservations: [],
    revocable: true,
    kind: "SCALAR",
    thousandths,
  }));

const ports: fc.Arbitrary<Resource> = fc.record({
  name: fc.constant("ports"),
  reservations,
  kind: fc.constant("RANGES" as const),
  ranges: fc.array(
    fc
      .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 }))
      .map(([begin, more]) => [begin, begin + more] as const),
    { maxLength: 4 },
  ),
});

const zones: fc.Arbitrary<Resource> = fc.record({
  name: fc.constant("zones"),
  reservations,
  kind: fc.constant("SET" as const),
  items: fc.subarray(["a", "b", "c", "d"]),
});

const volume: fc.Arbitrary<Resource> = fc
  .tuple(fc.constantFrom("v1", "v2"), fc.integer({ min: 1, max: 3 }))
  .map(([id, size]) => ({
    name: "disk",
    reservations: [{ type: "DYNAMIC", role: "web" }],
    disk: { persistence: { id }, volume: { mode: "RW", container_path: "data" } },
    kind: "SCALAR",
    thousandths: size * 64_000,
  }));

export const entry: fc.Arbitrary<Resource> = fc.oneof(
  scalar,
  scalar,
  revocableScalar,
  ports,
  zones,
  volume,
);

export const resources: fc.Arbitrary<Resources> = fc
  .array(entry, { maxLength: 8 })
  .map((entries) => normalize(entries));
