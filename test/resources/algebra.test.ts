import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  contains,
  equals,
  isEmpty,
  normalize,
  reservedRoles,
  reservedTo,
  resourcesFor,
  subtract,
  unreserved,
  withoutRefinements,
} from "../../worker/resources/algebra.ts";
import type { Resource, Resources } from "../../worker/resources/resource.ts";
import { formatResources, parseResourcesText } from "../../worker/resources/text.ts";
import { prng } from "../../worker/std/prng.ts";
import { entry, resources } from "./arbitraries.ts";

function text(source: string): Resources {
  const parsed = parseResourcesText(source);
  if (!parsed.ok) throw new Error(`${source}: ${parsed.error.code}`);
  return parsed.value;
}

const volume: Resource = {
  name: "disk",
  reservations: [{ type: "DYNAMIC", role: "web" }],
  disk: { persistence: { id: "v1" }, volume: { mode: "RW", container_path: "data" } },
  kind: "SCALAR",
  thousandths: 64_000,
};
const withSize = (thousandths: number): Resource => ({ ...volume, thousandths }) as Resource;

describe("addition", () => {
  test.each([
    ["cpus:1;mem:32", "cpus:0.5", "cpus:1.5; mem:32"],
    ["cpus:1", "cpus(web):1", "cpus:1; cpus(web):1"],
    ["ports:[1-2]", "ports:[3-4]", "ports:[1-4]"],
    ["ports:[1-2]", "ports:[4-5]", "ports:[1-2, 4-5]"],
    ["ports:[1-5]", "ports:[3-8]", "ports:[1-8]"],
    ["zones:{b}", "zones:{a,b}", "zones:{a, b}"],
    ["", "cpus:1", "cpus:1"],
    ["", "", "nothing"],
  ])("%s plus %s is %s", (a, b, sum) => {
    expect(formatResources(add(text(a), text(b)))).toBe(sum);
    expect(formatResources(add(text(b), text(a)))).toBe(sum);
  });

  test("two equal volumes stay two entries", () => {
    expect(add([volume], [volume])).toEqual([volume, volume]);
  });
});

describe("subtraction", () => {
  test.each([
    ["cpus:1.5;mem:32", "cpus:0.5;mem:32", "cpus:1"],
    ["ports:[1-10]", "ports:[3-4,6-6]", "ports:[1-2, 5-5, 7-10]"],
    ["ports:[1-10,20-30]", "ports:[10-10,20-20]", "ports:[1-9, 21-30]"],
    ["ports:[1-10]", "ports:[1-10]", "nothing"],
    ["zones:{a,b,c}", "zones:{b}", "zones:{a, c}"],
    ["cpus:1;cpus(web):2", "cpus(web):2", "cpus:1"],
    ["cpus:1", "", "cpus:1"],
  ])("%s minus %s is %s", (a, b, rest) => {
    expect(formatResources(subtract(text(a), text(b)))).toBe(rest);
  });

  test.each([
    ["cpus:1", "cpus:1.001"],
    ["cpus:1", "mem:1"],
    ["", "cpus:1"],
    ["ports:[1-3]", "ports:[3-4]"],
    ["cpus:1;cpus(web):1", "cpus:2"],
  ])("%s minus %s is an assertion", (a, b) => {
    expect(contains(text(a), text(b))).toBe(false);
    expect(() => subtract(text(a), text(b))).toThrow("subtracted");
  });
});

describe("containment", () => {
  test.each([
    ["cpus:1;mem:32", "cpus:1", true],
    ["cpus:1", "", true],
    ["cpus:1", "cpus(web):1", false],
    ["cpus(web):1", "cpus:1", false],
    ["cpus(web):1", "cpus(web/api):1", false],
    ["ports:[1-10,20-30]", "ports:[2-3,5-10,30-30]", true],
    ["ports:[1-10,20-30]", "ports:[9-21]", false],
    ["ports:[1-10]", "ports:[0-1]", false],
    ["zones:{a,b}", "zones:{b}", true],
    ["zones:{a,b}", "zones:{c}", false],
    ["cpus:1", "cpus:[1-1]", false],
  ])("%s contains %s: %s", (a, b, answer) => {
    expect(contains(text(a), text(b))).toBe(answer);
  });

  test("a volume is contained whole or not at all", () => {
    expect(contains([volume], [volume])).toBe(true);
    expect(contains([volume], [withSize(32_000)])).toBe(false);
    expect(contains([withSize(128_000)], [volume, volume])).toBe(false);
    expect(contains([volume, volume], [volume, volume])).toBe(true);
    expect(contains([volume], [volume, volume])).toBe(false);
    expect(subtract([volume, volume], [volume])).toEqual([volume]);
  });

  test("reservations are the same only when type, principal and labels are", () => {
    const reserved = (facts: object): Resources => [
      {
        name: "cpus",
        reservations: [{ type: "DYNAMIC", role: "web", ...facts }],
        kind: "SCALAR",
        thousandths: 1,
      },
    ];
    const labels = { labels: [{ key: "a" }] };
    const all = [{}, { type: "STATIC" }, { principal: "ops" }, { labels }].map(reserved);
    for (const [at, one] of all.entries()) {
      expect(all.map((other) => contains(one, other))).toEqual(all.map((_, i) => i === at));
    }
    expect(all.reduce(add, [])).toHaveLength(4);
  });

  test("disk that is not a volume does not contain the volume", () => {
    expect(contains(text("disk(web):100"), [volume])).toBe(false);
  });
});

describe("selection", () => {
  const mixed: Resources = normalize([
    ...text("cpus:1;cpus(a):2;cpus(a/b):3;cpus(ab):4"),
    {
      name: "cpus",
      reservations: [
        { type: "STATIC", role: "a" },
        { type: "DYNAMIC", role: "a/c" },
      ],
      kind: "SCALAR",
      thousandths: 5_000,
    },
  ]);

  test.each([
    ["a", "cpus:1; cpus(a):2"],
    ["a/b", "cpus:1; cpus(a):2; cpus(a/b):3"],
    ["a/b/x", "cpus:1; cpus(a):2; cpus(a/b):3"],
    ["a/c", "cpus:1; cpus(a):2; cpus(a, a/c):5"],
    ["ab", "cpus:1; cpus(ab):4"],
    ["*", "cpus:1"],
  ])("role %s may use %s", (role, usable) => {
    expect(formatResources(resourcesFor(mixed, role))).toBe(usable);
  });

  test("what is unreserved, reserved to one role and reserved once can be told apart", () => {
    expect(formatResources(unreserved(mixed))).toBe("cpus:1");
    expect(formatResources(reservedTo(mixed, "a"))).toBe("cpus(a):2");
    expect(reservedRoles(mixed)).toEqual(["a", "a/b", "a/c", "ab"]);
    expect(formatResources(withoutRefinements(mixed))).toBe(
      "cpus:1; cpus(a):2; cpus(a/b):3; cpus(ab):4",
    );
  });
});

describe("for all resources", () => {
  test("a sum contains its parts", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        expect(contains(add(a, b), a)).toBe(true);
        expect(contains(add(a, b), b)).toBe(true);
      }),
    );
  });

  test("taking back what was added leaves what was there", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        // Only of numbers and volumes is the sum always more than either part.
        const countable = b.filter((resource) => resource.kind === "SCALAR");
        expect(subtract(add(a, countable), countable)).toEqual(a);
      }),
    );
  });

  test("taking out a part and adding it again gives the whole", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        const whole = add(a, b);
        const rest = subtract(whole, b);
        expect(add(rest, b)).toEqual(whole);
      }),
    );
  });

  test("the normal form does not depend on order or grouping", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), fc.nat(), (entries, seed) => {
        const whole = normalize(entries);
        expect(normalize(prng(seed).shuffle([...entries]))).toEqual(whole);
        expect(entries.map((one) => normalize([one])).reduce(add, [])).toEqual(whole);
        expect(normalize(whole)).toEqual(whole);
      }),
    );
  });

  test("resources are equal exactly when each contains the other", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        expect(equals(a, b)).toBe(contains(a, b) && contains(b, a));
        expect(equals(a, normalize([...a]))).toBe(true);
      }),
    );
  });

  test("containment agrees with subtraction", () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        if (contains(a, b)) expect(equals(add(subtract(a, b), b), a)).toBe(true);
        else expect(() => subtract(a, b)).toThrow();
      }),
    );
  });
});

test("10,000 random additions and subtractions of thousandths leave no trace", () => {
  const seed = 20_261_121;
  const random = prng(seed);
  const start = text("cpus:0.3;mem:1024;ports:[31000-32000]");
  const parts = ["cpus:0.1", "cpus:0.7;mem:0.003", "mem:33.333", "cpus:0.001"].map(text);
  const taken: Resources[] = [];
  let now = start;
  for (let round = 0; round < 10_000; round++) {
    const part = taken.length > 0 && random.below(2) === 0 ? taken.pop() : undefined;
    if (part !== undefined) {
      now = subtract(now, part);
      continue;
    }
    const added = parts[random.below(parts.length)] as Resources;
    taken.push(added);
    now = add(now, added);
  }
  for (const part of taken) now = subtract(now, part);
  expect(now, `seed ${seed}`).toEqual(start);
  expect(isEmpty(subtract(now, start))).toBe(true);
});
