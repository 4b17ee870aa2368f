import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { checkOneTask } from "../../worker/resources/one-task.ts";
import {
  allocationRoles,
  describeResourceError,
  parseResources,
} from "../../worker/resources/parse.ts";
import type { ResourceError } from "../../worker/resources/resource-error.ts";
import { formatResources } from "../../worker/resources/text.ts";

type Facts = Partial<mesos.Resource>;

function scalar(value: number, facts: Facts = {}): mesos.Resource {
  return { name: "cpus", type: "SCALAR", scalar: { value }, ...facts };
}

function ports(ranges: readonly (readonly [bigint, bigint])[], facts: Facts = {}): mesos.Resource {
  const range = ranges.map(([begin, end]) => ({ begin, end }));
  return { name: "ports", type: "RANGES", ranges: { range }, ...facts };
}

function set(item: readonly string[]): mesos.Resource {
  return { name: "zones", type: "SET", set: { item } };
}

const disk = (facts: Facts = {}): mesos.Resource => scalar(64, { name: "disk", ...facts });
const rw = { mode: "RW", container_path: "data" } as const;
const persistent = { persistence: { id: "v1" }, volume: rw };
const web = { reservations: [{ type: "DYNAMIC", role: "web" }] } as const;

function parsedText(messages: readonly mesos.Resource[]): string {
  const parsed = parseResources(messages);
  return parsed.ok ? formatResources(parsed.value) : parsed.error.code;
}

describe("what is taken", () => {
  const cases: readonly (readonly [string, readonly mesos.Resource[], string])[] = [
    ["nothing", [], "nothing"],
    ["thousandths", [scalar(0.001)], "cpus:0.001"],
    ["a fraction beyond thousandths, rounded half away from 0", [scalar(0.0005)], "cpus:0.001"],
    ["a fraction beyond thousandths, rounded down", [scalar(1.23449)], "cpus:1.234"],
    ["zero, which leaves nothing", [scalar(0), scalar(-0)], "nothing"],
    ["the largest scalar", [scalar(1024 ** 4)], "cpus:1099511627776"],
    ["whole GPUs", [scalar(2, { name: "gpus" })], "gpus:2"],
    ["equal ones, added up", [scalar(0.1), scalar(0.2)], "cpus:0.3"],
    [
      "ranges that touch, merged",
      [
        ports([
          [4n, 5n],
          [1n, 3n],
        ]),
      ],
      "ports:[1-5]",
    ],
    ["ranges without any, which leaves nothing", [ports([])], "nothing"],
    ["a set", [set(["b", "a"])], "zones:{a, b}"],
    ["role * in the old format", [scalar(1, { role: "*" })], "cpus:1"],
    ["a static reservation in the old format", [scalar(1, { role: "web" })], "cpus(web):1"],
    [
      "both formats when they agree",
      [scalar(1, { role: "web", reservation: {}, ...web })],
      "cpus(web):1",
    ],
    [
      "a refined reservation",
      [
        scalar(1, {
          reservations: [
            { type: "STATIC", role: "web" },
            { type: "DYNAMIC", role: "web/api" },
          ],
        }),
      ],
      "cpus(web, web/api):1",
    ],
    [
      "revocable ones apart",
      [scalar(1), scalar(1, { revocable: {} })],
      "cpus:1; cpus{REVOCABLE}:1",
    ],
    ["a persistent volume", [disk({ ...web, disk: persistent })], "disk(web)[v1]:64"],
    [
      "a shared volume",
      [disk({ ...web, disk: persistent, shared: {} })],
      "disk(web)[v1]{SHARED}:64",
    ],
    [
      "a mounted disk",
      [disk({ disk: { source: { type: "MOUNT", mount: { root: "/mnt" } } } })],
      "disk:64",
    ],
  ];

  test.each(cases)("%s", (_name, messages, text) => {
    expect(parsedText(messages)).toBe(text);
  });

  test("the two formats of one reservation give the same", () => {
    const labels = { labels: [{ key: "a", value: "1" }] };
    const old = scalar(1, { role: "web", reservation: { principal: "ops", labels } });
    const reservation = { type: "DYNAMIC", role: "web", principal: "ops", labels } as const;
    expect(parseResources([old])).toEqual(
      parseResources([scalar(1, { reservations: [reservation] })]),
    );
  });

  test("labels of a reservation are equal in any order", () => {
    const one = (keys: readonly string[]): mesos.Resource => {
      const labels = { labels: keys.map((key) => ({ key })) };
      return scalar(1, { reservations: [{ type: "DYNAMIC", role: "web", labels }] });
    };
    expect(parsedText([one(["a", "b"]), one(["b", "a"])])).toBe("cpus(web):2");
  });
});

describe("what is refused", () => {
  const mount = { type: "MOUNT", mount: { root: "/mnt" } } as const;
  const cases: readonly (readonly [mesos.Resource, ResourceError["code"]])[] = [
    [scalar(1, { name: "" }), "NAME_EMPTY"],
    [scalar(1, { name: "__proto__" }), "NAME_REFUSED"],
    [{ name: "cpus", type: "TEXT" }, "TYPE_NOT_FOR_RESOURCES"],
    [{ name: "cpus", type: "SCALAR" }, "VALUE_MISSING"],
    [{ name: "cpus", type: "RANGES" }, "VALUE_MISSING"],
    [{ name: "cpus", type: "SET" }, "VALUE_MISSING"],
    [scalar(1, { set: { item: ["a"] } }), "VALUE_OF_OTHER_TYPE"],
    [scalar(Number.NaN), "SCALAR_NOT_FINITE"],
    [scalar(Number.POSITIVE_INFINITY), "SCALAR_NOT_FINITE"],
    [scalar(5e-324), "SCALAR_SUBNORMAL"],
    [scalar(-0.001), "SCALAR_NEGATIVE"],
    [scalar(0.0004), "SCALAR_ROUNDS_TO_ZERO"],
    [scalar(1024 ** 4 + 1), "SCALAR_TOO_LARGE"],
    [scalar(0.5, { name: "gpus" }), "GPUS_NOT_WHOLE"],
    [ports([[2n, 1n]]), "RANGE_BACKWARDS"],
    [ports([[1n, 2n ** 53n]]), "RANGE_BOUND_TOO_LARGE"],
    [
      ports([
        [5n, 9n],
        [1n, 5n],
      ]),
      "RANGES_OVERLAP",
    ],
    [set(["a", "b", "a"]), "ITEM_REPEATED"],
    [scalar(1, { role: "" }), "ROLE_INVALID"],
    [scalar(1, { reservations: [{ type: "STATIC", role: "a//b" }] }), "ROLE_INVALID"],
    [scalar(1, { role: "*", reservation: {} }), "RESERVED_TO_ANY_ROLE"],
    [scalar(1, { reservation: {} }), "RESERVED_TO_ANY_ROLE"],
    [scalar(1, { reservations: [{ type: "STATIC", role: "*" }] }), "RESERVED_TO_ANY_ROLE"],
    [scalar(1, { role: "web", ...web }), "RESERVATION_FORMATS_DISAGREE"],
    [scalar(1, { role: "*", ...web }), "RESERVATION_FORMATS_DISAGREE"],
    [scalar(1, { role: "web", reservation: { type: "DYNAMIC" } }), "RESERVATION_FIELD_NOT_ALLOWED"],
    [scalar(1, { role: "web", reservation: { role: "web" } }), "RESERVATION_FIELD_NOT_ALLOWED"],
    [scalar(1, { reservations: [{ role: "web" }] }), "RESERVATION_FIELD_MISSING"],
    [scalar(1, { reservations: [{ type: "UNKNOWN", role: "a" }] }), "RESERVATION_FIELD_MISSING"],
    [scalar(1, { reservations: [{ type: "STATIC" }] }), "RESERVATION_FIELD_MISSING"],
    [
      scalar(1, { reservations: [...web.reservations, { type: "STATIC", role: "web/a" }] }),
      "STATIC_RESERVATION_NOT_FIRST",
    ],
    [
      scalar(1, { reservations: [...web.reservations, { type: "DYNAMIC", role: "webby" }] }),
      "RESERVATION_NOT_REFINED",
    ],
    [
      scalar(1, { reservations: [...web.reservations, ...web.reservations] }),
      "RESERVATION_NOT_REFINED",
    ],
    [scalar(1, { ...web, revocable: {} }), "DYNAMIC_RESERVATION_REVOCABLE"],
    [scalar(1, { disk: persistent }), "DISK_INFO_MISPLACED"],
    [disk({ disk: {} }), "DISK_INFO_EMPTY"],
    [disk({ disk: { source: { type: "UNKNOWN" } } }), "DISK_SOURCE_INVALID"],
    [disk({ disk: { source: { ...mount, type: "PATH" } } }), "DISK_SOURCE_INVALID"],
    [disk({ disk: { source: { type: "RAW", path: {} } } }), "DISK_SOURCE_INVALID"],
    [disk({ disk: { volume: rw } }), "VOLUME_WITHOUT_PERSISTENCE"],
    [disk({ ...web, disk: { persistence: { id: "v1" } } }), "PERSISTENCE_WITHOUT_VOLUME"],
    [disk({ disk: persistent }), "PERSISTENCE_WITHOUT_RESERVATION"],
    [disk({ role: "web", disk: persistent, revocable: {} }), "PERSISTENCE_REVOCABLE"],
    [
      disk({ ...web, disk: { ...persistent, persistence: { id: "a/b" } } }),
      "PERSISTENCE_ID_INVALID",
    ],
    [
      disk({ ...web, disk: { ...persistent, volume: { ...rw, host_path: "/x" } } }),
      "VOLUME_FIELD_NOT_ALLOWED",
    ],
    [disk({ shared: {} }), "SHARED_NOT_PERSISTENT"],
  ];

  test.each(cases)("%o is %s", (message, code) => {
    const parsed = parseResources([scalar(1, { name: "mem" }), message]);
    expect(parsed).toMatchObject({ ok: false, error: { code, index: 1, name: message.name } });
  });

  test.each(cases)("the sentence for %o names the resource and has no gaps", (message) => {
    const parsed = parseResources([message]);
    const sentence = parsed.ok ? "" : describeResourceError(parsed.error);
    expect(sentence).toMatch(/^resource.* \(number 1 of the list\) \w.*\w/);
    expect(sentence).not.toMatch(/undefined|\[object|NaN(?!;)/);
  });

  test("amounts that are too large only when added up are refused", () => {
    const half = scalar(1024 ** 4 * 0.75);
    const error = { code: "SCALAR_TOO_LARGE", index: 2, name: "cpus" };
    const mem = scalar(1, { name: "mem" });
    expect(parseResources([half, mem, half])).toMatchObject({ ok: false, error });
  });

  test("the first fault of several is named", () => {
    const parsed = parseResources([scalar(-1), scalar(Number.NaN)]);
    expect(parsed).toMatchObject({ error: { code: "SCALAR_NEGATIVE", index: 0, value: -1 } });
  });

  test("a sentence says what to do", () => {
    const parsed = parseResources([scalar(1), scalar(0.0001, { name: "mem" })]);
    expect(parsed.ok || describeResourceError(parsed.error)).toBe(
      "resource 'mem' (number 2 of the list) has the value 0.0001, which is 0 in thousandths; " +
        "give 0 or at least 0.001",
    );
  });
});

test("any number is either refused or within half a thousandth of what is kept", () => {
  fc.assert(
    fc.property(fc.double({ min: -1, max: 2 ** 41 }), (value) => {
      const parsed = parseResources([scalar(value)]);
      if (!parsed.ok) return value < 0.0005 || value > 1024 ** 4 || Number.isNaN(value);
      const [kept] = parsed.value;
      if (kept === undefined) return value === 0;
      if (kept.kind !== "SCALAR" || !Number.isSafeInteger(kept.thousandths)) return false;
      return Math.abs(kept.thousandths - value * 1_000) <= 0.5;
    }),
  );
});

test("the allocation roles of a list are those that it names", () => {
  const role = (name: string): Facts => ({ allocation_info: { role: name } });
  expect(allocationRoles([scalar(1), scalar(1, { allocation_info: {} })]).size).toBe(0);
  expect([...allocationRoles([scalar(1, role("a")), scalar(1, role("a"))])]).toEqual(["a"]);
  expect([...allocationRoles([scalar(1, role("a")), scalar(1, role("b"))])]).toEqual(["a", "b"]);
  expect(allocationRoles(undefined).size).toBe(0);
});

describe("one task", () => {
  const check = (messages: readonly mesos.Resource[]): string | undefined => {
    const parsed = parseResources(messages);
    return parsed.ok ? checkOneTask(parsed.value)?.code : parsed.error.code;
  };

  test("uses a persistence id once", () => {
    const other = { ...persistent, volume: { ...rw, container_path: "other" } };
    expect(check([disk({ ...web, disk: persistent })])).toBeUndefined();
    expect(check([disk({ ...web, disk: persistent }), disk({ ...web, disk: other })])).toBe(
      "PERSISTENCE_ID_REPEATED",
    );
  });

  test("does not mix revocable and other resources of one name", () => {
    const mem = scalar(1, { name: "mem" });
    expect(check([scalar(1, { revocable: {} }), mem])).toBeUndefined();
    expect(check([scalar(1, { revocable: {} }), scalar(1)])).toBe("REVOCABLE_MIXED");
  });
});
