/** The contract of offer operations, over every entry of the table, and the rules of each. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkForm, operations } from "../../worker/operation/index.ts";
import type { OperationFacts, OperationType } from "../../worker/operation/operation.ts";
import { describeOperationError } from "../../worker/operation/operation-error.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { contains, equals } from "../../worker/resources/algebra.ts";
import type { Conversion } from "../../worker/resources/conversion.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import { quantitiesOf } from "../../worker/resources/quantities.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { defined } from "../../worker/std/assert.ts";

// Its keys are the table's: the compiler has seen that none is missing.
const types = Object.keys(operations) as OperationType[];

const agentCapabilities = [
  "MULTI_ROLE",
  "HIERARCHICAL_ROLE",
  "RESERVATION_REFINEMENT",
  "RESIZE_VOLUME",
] as const;

const operator: OperationFacts = { agentCapabilities, total: [], used: [] };
const framework: OperationFacts = {
  ...operator,
  framework: { role: "web", roles: ["web"], capabilities: [] },
};

const web = { type: "DYNAMIC", role: "web" } as const;

function scalar(name: string, value: number, more: Partial<mesos.Resource> = {}): mesos.Resource {
  return { name, type: "SCALAR", scalar: { value }, ...more };
}

function volume(id: string, size: number, more: Partial<mesos.Resource> = {}): mesos.Resource {
  const disk = { persistence: { id }, volume: { mode: "RW", container_path: "data" } } as const;
  return scalar("disk", size, { reservations: [web], disk, ...more });
}

function resourcesOf(...messages: mesos.Resource[]): Resources {
  const parsed = parseResources(messages);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function convert(operation: mesos.OfferOperation, facts: OperationFacts = framework) {
  const type = operation.type as OperationType;
  const misshapen = checkForm(type, operation);
  if (misshapen !== undefined) return { ok: false, error: misshapen } as const;
  return operations[type].convert(operation, facts);
}

/** The conversion, of an operation that is in order. */
function converted(operation: mesos.OfferOperation, facts?: OperationFacts): Conversion {
  const result = convert(operation, facts);
  if (!result.ok) throw new Error(describeOperationError(result.error));
  return result.value;
}

/** The code of an operation's refusal. */
function refusal(operation: mesos.OfferOperation, facts?: OperationFacts): string {
  const result = convert(operation, facts);
  if (result.ok) return "none";
  // Every refusal has its sentence.
  expect(describeOperationError(result.error)).toMatch(/^['A-Z].{20,}[^.]$/);
  return result.error.code;
}

const reserve = (...resources: mesos.Resource[]): mesos.OfferOperation => ({
  type: "RESERVE",
  reserve: { resources },
});
const unreserve = (...resources: mesos.Resource[]): mesos.OfferOperation => ({
  type: "UNRESERVE",
  unreserve: { resources },
});
const create = (...volumes: mesos.Resource[]): mesos.OfferOperation => ({
  type: "CREATE",
  create: { volumes },
});
const destroy = (...volumes: mesos.Resource[]): mesos.OfferOperation => ({
  type: "DESTROY",
  destroy: { volumes },
});
const grow = (size: mesos.Resource, addition: mesos.Resource): mesos.OfferOperation => ({
  type: "GROW_VOLUME",
  grow_volume: { volume: size, addition },
});
const shrink = (from: mesos.Resource, value: number): mesos.OfferOperation => ({
  type: "SHRINK_VOLUME",
  shrink_volume: { volume: from, subtract: { value } },
});

/** One operation of each type that converts something, and one of each that has nothing to do. */
const valid: { readonly [T in OperationType]: mesos.OfferOperation | undefined } = {
  RESERVE: reserve(scalar("cpus", 1.5, { reservations: [web] })),
  UNRESERVE: unreserve(scalar("cpus", 1.5, { reservations: [web] })),
  CREATE: create(volume("v1", 64)),
  DESTROY: destroy(volume("v1", 64)),
  GROW_VOLUME: grow(volume("v1", 64), scalar("disk", 32, { reservations: [web] })),
  SHRINK_VOLUME: shrink(volume("v1", 64), 32),
  // Only on agents with a resource provider.
  CREATE_DISK: undefined,
  DESTROY_DISK: undefined,
};
const withVolume: OperationFacts = { ...framework, total: resourcesOf(volume("v1", 64)) };
const factsOf = (type: OperationType): OperationFacts =>
  type === "DESTROY" ? withVolume : framework;

describe.each(types)("%s", (type) => {
  const operation = valid[type];

  test("is refused without the part that has its name", () => {
    expect(refusal({ type })).toBe("PART_MISSING");
  });

  test.runIf(operation !== undefined)("conserves the quantity of every kind", () => {
    const { consumed, converted: made } = converted(defined(operation, "valid"), factsOf(type));
    expect(quantitiesOf(made)).toEqual(quantitiesOf(consumed));
    expect(equals(made, consumed)).toBe(false);
  });

  test.runIf(operation !== undefined)("is refused for a role that is not the offers' role", () => {
    const { role: _, ...facts } = defined(framework.framework, "a framework asks");
    const other = { ...factsOf(type), framework: { ...facts, role: "db", roles: ["db"] } };
    const named = JSON.parse(
      JSON.stringify(operation).replaceAll('"name":', '"allocation_info":{"role":"web"},"name":'),
    ) as mesos.OfferOperation;
    expect(refusal(named, other)).toBe("ALLOCATED_TO_OTHER_ROLE");
    expect(refusal(named, factsOf(type))).toBe("none");
  });

  test.runIf(operation !== undefined)("is refused to operators that name an allocation", () => {
    const { total } = factsOf(type);
    const named = JSON.parse(
      JSON.stringify(operation).replaceAll('"name":', '"allocation_info":{"role":"web"},"name":'),
    ) as mesos.OfferOperation;
    expect(refusal(named, { ...operator, total })).toBe("ALLOCATION_NAMED");
    expect(refusal(defined(operation, "valid"), { ...operator, total })).toBe("none");
  });
});

describe("what is reserved", () => {
  test("is reserved dynamically, and to the role of the offers", () => {
    expect(refusal(reserve(scalar("cpus", 1)))).toBe("NOT_DYNAMICALLY_RESERVED");
    const fixed = scalar("cpus", 1, { reservations: [{ type: "STATIC", role: "web" }] });
    expect(refusal(reserve(fixed))).toBe("NOT_DYNAMICALLY_RESERVED");
    const other = scalar("cpus", 1, { reservations: [{ type: "DYNAMIC", role: "db" }] });
    expect(refusal(reserve(other))).toBe("RESERVED_TO_OTHER_ROLE");
    expect(refusal(reserve(other), operator)).toBe("none");
  });

  test("names its principal when that is known", () => {
    const facts = { ...framework, principal: "ops" };
    const named = (principal: string) =>
      reserve(scalar("cpus", 1, { reservations: [{ ...web, principal }] }));
    expect(refusal(reserve(scalar("cpus", 1, { reservations: [web] })), facts)).toBe(
      "PRINCIPAL_DIFFERS",
    );
    expect(refusal(named("dev"), facts)).toBe("PRINCIPAL_DIFFERS");
    expect(refusal(named("ops"), facts)).toBe("none");
    expect(refusal(named("dev"), framework)).toBe("none");
  });

  test("is refined only by those who can, on agents that can", () => {
    const refined = scalar("cpus", 1, {
      reservations: [web, { type: "DYNAMIC", role: "web/api" }],
    });
    const api = { role: "web/api", roles: ["web/api"] };
    const plain = { ...framework, framework: { ...api, capabilities: [] } };
    const able = {
      ...framework,
      framework: { ...api, capabilities: ["RESERVATION_REFINEMENT"] as const },
    };
    expect(refusal(reserve(refined), plain)).toBe("FRAMEWORK_LACKS");
    expect(refusal(reserve(refined), able)).toBe("none");
    expect(refusal(reserve(refined), { ...able, agentCapabilities: [] })).toBe("AGENT_LACKS");
    expect(equals(converted(reserve(refined), able).consumed, resourcesOf(cpus))).toBe(true);
  });
  const cpus = scalar("cpus", 1, { reservations: [web] });

  test("comes from the source that an operator names, and from none that a framework names", () => {
    const source = [scalar("cpus", 1, { reservations: [{ type: "DYNAMIC", role: "db" }] })];
    const moved: mesos.OfferOperation = { type: "RESERVE", reserve: { source, resources: [cpus] } };
    expect(equals(converted(moved, operator).consumed, resourcesOf(...source))).toBe(true);
    expect(refusal(moved, framework)).toBe("SOURCE_NOT_FOR_FRAMEWORKS");
    const more = { type: "RESERVE" as const, reserve: { source, resources: [cpus, cpus] } };
    expect(refusal(more, operator)).toBe("SOURCE_DIFFERS");
  });
});

test("what is unreserved is dynamically reserved and no volume", () => {
  expect(refusal(unreserve(scalar("cpus", 1)))).toBe("NOT_DYNAMICALLY_RESERVED");
  expect(refusal(unreserve(volume("v1", 64)))).toBe("IS_VOLUME");
  expect(refusal(unreserve())).toBe("RESOURCES_EMPTY");
  expect(refusal(unreserve(scalar("cpus", 0)))).toBe("RESOURCES_EMPTY");
});

describe("a volume", () => {
  test("needs an id that its agent and role do not have yet", () => {
    expect(refusal(create(volume("v1", 32)), withVolume)).toBe("PERSISTENCE_ID_IN_USE");
    expect(refusal(create(volume("v2", 32)), withVolume)).toBe("none");
    expect(refusal(create(volume("v2", 32), volume("v2", 64)))).toBe("PERSISTENCE_ID_IN_USE");
    const db = volume("v1", 32, { reservations: [{ type: "DYNAMIC", role: "db" }] });
    expect(refusal(create(db), withVolume)).toBe("none");
  });

  test("is writable, and shared only for those who know of sharing", () => {
    const disk = { persistence: { id: "v" }, volume: { mode: "RO", container_path: "d" } } as const;
    expect(refusal(create(volume("v", 1, { disk })))).toBe("VOLUME_READ_ONLY");
    expect(refusal(create(scalar("disk", 1, { reservations: [web] })))).toBe("NOT_VOLUME");
    const shared = create(volume("v", 1, { shared: {} }));
    expect(refusal(shared)).toBe("FRAMEWORK_LACKS");
    expect(refusal(shared, operator)).toBe("none");
  });

  test("is destroyed only when it is there, as described, and nobody uses it", () => {
    expect(refusal(destroy(volume("v1", 64)))).toBe("VOLUME_NOT_FOUND");
    expect(refusal(destroy(volume("v1", 65)), withVolume)).toBe("VOLUME_NOT_FOUND");
    expect(refusal(destroy(volume("v1", 64)), withVolume)).toBe("none");
    const used = { ...withVolume, used: withVolume.total };
    expect(refusal(destroy(volume("v1", 64)), used)).toBe("VOLUME_IN_USE");
    expect(refusal(destroy(scalar("disk", 1, { reservations: [web] })))).toBe("NOT_VOLUME");
  });

  test("keeps the source of its disk when it is destroyed", () => {
    const source = { type: "PATH", path: { root: "/data" } } as const;
    const disk = { ...volume("v", 1).disk, source };
    const made = volume("v", 8, { disk });
    const facts = { ...framework, total: resourcesOf(made) };
    const plain = scalar("disk", 8, { reservations: [web], disk: { source } });
    expect(equals(converted(destroy(made), facts).converted, resourcesOf(plain))).toBe(true);
  });

  test("grows by plain disk of the same kind only", () => {
    const by = (value: number, more: Partial<mesos.Resource> = {}) =>
      refusal(grow(volume("v1", 64), scalar("disk", value, { reservations: [web], ...more })));
    expect(by(32)).toBe("none");
    expect(by(0)).toBe("ADDITION_EMPTY");
    expect(by(32, { reservations: [{ type: "DYNAMIC", role: "db" }] })).toBe("ADDITION_DIFFERS");
    expect(by(32, { disk: { source: { type: "PATH" } } })).toBe("ADDITION_DIFFERS");
    expect(refusal(grow(volume("v1", 64), scalar("mem", 1)))).toBe("ADDITION_DIFFERS");
    expect(refusal(grow(volume("v1", 64), volume("v2", 1)))).toBe("ADDITION_DIFFERS");
  });

  test("shrinks by more than nothing and less than all", () => {
    const by = (value: number) => refusal(shrink(volume("v1", 64), value));
    expect(by(63.999)).toBe("none");
    for (const value of [0, -1, 64, 65, Number.NaN, 0.0001]) {
      expect(by(value)).toBe("SUBTRACT_OUT_OF_RANGE");
    }
  });

  test("keeps its size when it is shared, mounted, or its agent cannot change it", () => {
    const mount = { type: "MOUNT", mount: { root: "/mnt" } } as const;
    const mounted = volume("v", 64, { disk: { ...volume("v", 1).disk, source: mount } });
    expect(refusal(shrink(mounted, 1))).toBe("VOLUME_ON_MOUNT");
    expect(refusal(shrink(volume("v", 64, { shared: {} }), 1))).toBe("VOLUME_SHARED");
    const provided = volume("v", 64, { provider_id: { value: "p" } });
    expect(refusal(shrink(provided, 1))).toBe("OF_PROVIDER");
    const old = { ...framework, agentCapabilities: [] };
    expect(refusal(shrink(volume("v", 64), 1), old)).toBe("AGENT_LACKS");
  });
});

test("disks are made and unmade by resource providers only, and no agent has one", () => {
  const raw = (more: Partial<mesos.Resource> = {}, profile?: string) =>
    scalar("disk", 64, { disk: { source: { type: "RAW", profile } }, ...more });
  const makeDisk = (
    source: mesos.Resource,
    target_type: mesos.ResourceDiskInfoSourceType,
    target_profile?: string,
  ) => refusal({ type: "CREATE_DISK", create_disk: { source, target_type, target_profile } });
  const provider_id = { value: "p" };
  expect(makeDisk(raw(), "MOUNT")).toBe("PROVIDER_MISSING");
  expect(makeDisk(scalar("disk", 1, { provider_id }), "MOUNT")).toBe("DISK_SOURCE_UNFIT");
  expect(makeDisk(raw({ provider_id }), "PATH")).toBe("TARGET_UNFIT");
  expect(makeDisk(raw({ provider_id }), "MOUNT")).toBe("PROFILE_UNFIT");
  expect(makeDisk(raw({ provider_id }, "fast"), "MOUNT", "fast")).toBe("PROFILE_UNFIT");
  expect(makeDisk(raw({ provider_id }), "BLOCK", "fast")).toBe("PROVIDER_NOT_FOUND");
  const unmake = (source: mesos.Resource) =>
    refusal({ type: "DESTROY_DISK", destroy_disk: { source } });
  expect(unmake(raw())).toBe("PROVIDER_MISSING");
  expect(unmake(raw({ provider_id }))).toBe("DISK_SOURCE_UNFIT");
  const block = scalar("disk", 1, { provider_id, disk: { source: { type: "BLOCK" } } });
  expect(unmake(block)).toBe("PROVIDER_NOT_FOUND");
});

describe("operations undo each other", () => {
  const amount = fc.integer({ min: 1, max: 1_000_000 }).map((thousandths) => thousandths / 1_000);

  test("RESERVE and UNRESERVE", () => {
    fc.assert(
      fc.property(fc.constantFrom("cpus", "mem", "disk"), amount, (name, value) => {
        const reserved = scalar(name, value, { reservations: [web] });
        const there = converted(reserve(reserved));
        const back = converted(unreserve(reserved));
        return (
          equals(there.consumed, back.converted) &&
          equals(there.converted, back.consumed) &&
          equals(there.consumed, resourcesOf(scalar(name, value)))
        );
      }),
    );
  });

  test("CREATE and DESTROY", () => {
    fc.assert(
      fc.property(amount, fc.boolean(), (value, isShared) => {
        const made = volume("v", value, isShared ? { shared: {} } : {});
        const there = converted(create(made), operator);
        const back = converted(destroy(made), { ...operator, total: there.converted });
        return equals(there.consumed, back.converted) && equals(there.converted, back.consumed);
      }),
    );
  });

  test("GROW_VOLUME and SHRINK_VOLUME", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9e5 }), fc.integer({ min: 1, max: 9e5 }), (a, b) => {
        const disk = scalar("disk", b / 1_000, { reservations: [web] });
        const there = converted(grow(volume("v", a / 1_000), disk));
        const back = converted(shrink(volume("v", (a + b) / 1_000), b / 1_000));
        return equals(there.consumed, back.converted) && contains(there.converted, back.consumed);
      }),
    );
  });
});
