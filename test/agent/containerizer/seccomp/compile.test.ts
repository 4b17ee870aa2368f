import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "vitest";
import {
  compileProfile,
  type FilterFacts,
} from "../../../../agent/containerizer/cgroups/seccomp/compile.ts";
import { encode } from "../../../../agent/containerizer/cgroups/seccomp/instructions.ts";
import {
  type Action,
  type ArgumentTest,
  type Circumstances,
  type Profile,
  parseProfile,
  type SystemCallRule,
} from "../../../../agent/containerizer/cgroups/seccomp/profile.ts";
import { systemCalls } from "../../../../agent/containerizer/cgroups/seccomp/system-calls.ts";
import { AARCH64, type Call, I386, runFilter, X86_64 } from "./kernel.ts";

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const EPERM = 0x00050001;
const FACTS: FilterFacts = { architecture: "x64", capabilities: [], kernel: [6, 1] };

function filterOf(profile: unknown, facts: Partial<FilterFacts> = {}): Uint8Array {
  const parsed = parseProfile(JSON.stringify(profile));
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.error);
  const compiled = compileProfile(parsed.value, { ...FACTS, ...facts });
  assert.ok(compiled.ok, compiled.ok ? "" : compiled.error);
  return encode(compiled.value.instructions);
}

function callOf(name: string, args: readonly (number | bigint)[] = []): Call {
  const number = systemCalls.x64.get(name);
  assert.ok(number !== undefined, name);
  const padded = [...args, 0, 0, 0, 0, 0, 0].slice(0, 6).map(BigInt);
  return { architecture: X86_64, number, arguments: padded };
}

const allowing = (...syscalls: object[]) => ({ defaultAction: "SCMP_ACT_ERRNO", syscalls });
const allow = (names: readonly string[], over: object = {}) => ({
  ...{ names, action: "SCMP_ACT_ALLOW" },
  ...over,
});

describe("a seccomp filter", () => {
  test("lets through what its profile names, and nothing else", () => {
    const filter = filterOf(allowing(allow(["read", "write"])));
    assert.equal(runFilter(filter, callOf("read")), ALLOW);
    assert.equal(runFilter(filter, callOf("write")), ALLOW);
    assert.equal(runFilter(filter, callOf("open")), EPERM);
    assert.equal(runFilter(filter, { ...callOf("read"), number: 4_000 }), EPERM);
  });

  test("ends what calls by another processor's numbers, x32 among them", () => {
    const filter = filterOf({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [] });
    assert.equal(runFilter(filter, { ...callOf("read"), architecture: I386 }), KILL_PROCESS);
    assert.equal(runFilter(filter, { ...callOf("read"), number: 0x40000000 }), KILL_PROCESS);
    assert.equal(runFilter(filter, { ...callOf("read"), number: 0x3fffffff }), ALLOW);
    // No call at all: what a debugger makes of one that it suppresses.
    assert.equal(runFilter(filter, { ...callOf("read"), number: 0xffffffff }), ALLOW);
  });

  test("has the numbers of the processor that it is for", () => {
    const filter = filterOf(allowing(allow(["openat"])), { architecture: "arm64" });
    const call = { architecture: AARCH64, number: 56, arguments: [0n, 0n, 0n, 0n, 0n, 0n] };
    assert.equal(runFilter(filter, call), ALLOW);
    assert.equal(runFilter(filter, { ...call, number: 257 }), EPERM);
    assert.equal(runFilter(filter, { ...call, architecture: X86_64 }), KILL_PROCESS);
  });

  test("compares masked bits only, and ignores those that are wanted beyond the mask", () => {
    const test = (valueTwo: number) =>
      filterOf(
        allowing(
          allow(["clone"], {
            args: [{ index: 0, value: 0xff00, valueTwo, op: "SCMP_CMP_MASKED_EQ" }],
          }),
        ),
      );
    for (const filter of [test(0x1200), test(0x12ff)]) {
      assert.equal(runFilter(filter, callOf("clone", [0x1234])), ALLOW);
      assert.equal(runFilter(filter, callOf("clone", [0xabcd00001234n])), ALLOW);
      assert.equal(runFilter(filter, callOf("clone", [0x1334])), EPERM);
    }
  });

  test("sees all 64 bits of an argument", () => {
    const filter = filterOf(
      allowing(allow(["personality"], { args: [{ index: 0, value: 8, op: "SCMP_CMP_EQ" }] })),
    );
    assert.equal(runFilter(filter, callOf("personality", [8])), ALLOW);
    assert.equal(runFilter(filter, callOf("personality", [0x100000008n])), EPERM);
  });

  test("takes tests of different arguments together, and of the same one as alternatives", () => {
    const equal = (index: number, value: number) => ({ index, value, op: "SCMP_CMP_EQ" });
    const both = filterOf(allowing(allow(["socket"], { args: [equal(0, 1), equal(1, 2)] })));
    assert.equal(runFilter(both, callOf("socket", [1, 2])), ALLOW);
    assert.equal(runFilter(both, callOf("socket", [1, 3])), EPERM);
    const either = filterOf(allowing(allow(["socket"], { args: [equal(0, 1), equal(0, 2)] })));
    assert.equal(runFilter(either, callOf("socket", [1])), ALLOW);
    assert.equal(runFilter(either, callOf("socket", [2])), ALLOW);
    assert.equal(runFilter(either, callOf("socket", [3])), EPERM);
  });

  test("follows the first of its rules that matches", () => {
    const filter = filterOf({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        allow(["socket"], { args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }] }),
        { names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 97 },
        { names: ["socket"], action: "SCMP_ACT_KILL_PROCESS" },
      ],
    });
    assert.equal(runFilter(filter, callOf("socket", [1])), ALLOW);
    assert.equal(runFilter(filter, callOf("socket", [2])), 0x00050000 | 97);
  });

  test("follows capabilities, processors and kernels that a rule is for", () => {
    const decided = (over: object, facts: Partial<FilterFacts> = {}): number =>
      runFilter(filterOf(allowing(allow(["mount"], over)), facts), callOf("mount"));
    const admin = { caps: ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"] };
    assert.equal(decided({ includes: admin }), EPERM);
    assert.equal(decided({ includes: admin }, { capabilities: ["SYS_ADMIN"] }), EPERM);
    const all = { capabilities: ["SYS_ADMIN", "SYS_PTRACE"] } as const;
    assert.equal(decided({ includes: admin }, all), ALLOW);
    assert.equal(decided({ excludes: admin }), ALLOW);
    assert.equal(decided({ excludes: admin }, { capabilities: ["SYS_PTRACE"] }), EPERM);
    assert.equal(decided({ includes: { arches: ["arm64", "amd64"] } }), ALLOW);
    assert.equal(decided({ includes: { arches: ["arm64"] } }), EPERM);
    assert.equal(decided({ excludes: { arches: ["amd64"] } }), EPERM);
    assert.equal(decided({ includes: { minKernel: "6.1" } }), ALLOW);
    assert.equal(decided({ includes: { minKernel: "6.2" } }), EPERM);
    assert.equal(decided({ includes: { minKernel: "5.10" } }), ALLOW);
    assert.equal(decided({ excludes: { minKernel: "5.10" } }), EPERM);
  });

  test("leaves out a name that no Linux has where that forbids more, and is refused otherwise", () => {
    const compiled = (profile: object) => {
      const parsed = parseProfile(JSON.stringify(profile));
      assert.ok(parsed.ok);
      return compileProfile(parsed.value, FACTS);
    };
    const lenient = compiled(allowing(allow(["read", "raed"])));
    assert.deepEqual(lenient.ok && lenient.value.unknownNames, ["raed"]);
    const strict = { defaultAction: "SCMP_ACT_ALLOW" };
    const typo = compiled({
      ...strict,
      syscalls: [{ names: ["muont"], action: "SCMP_ACT_ERRNO" }],
    });
    assert.match(typo.ok ? "" : typo.error, /no system call 'muont'/);
    // Of 32-bit processors: nothing here could call it.
    const foreign = compiled({
      ...strict,
      syscalls: [{ name: "chown32", action: "SCMP_ACT_KILL" }],
    });
    assert.deepEqual(foreign.ok && foreign.value.unknownNames, []);
  });

  test("that the kernel would not take for its length is refused", () => {
    const tests = (value: number) => ({ args: [{ index: 0, value, op: "SCMP_CMP_EQ" }] });
    const rules = Array.from({ length: 900 }, (_, value) => allow(["ioctl"], tests(value)));
    const parsed = parseProfile(JSON.stringify(allowing(...rules)));
    assert.ok(parsed.ok);
    const compiled = compileProfile(parsed.value, FACTS);
    assert.match(compiled.ok ? "" : compiled.error, /4096/);
  });
});

describe("the reader of profiles", () => {
  const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
    ["a misspelled key", allowing(allow(["mount"], { exludes: {} })), /syscalls\[0\].*'exludes'/],
    ["an unknown action", { defaultAction: "SCMP_ACT_DENY" }, /`defaultAction` 'SCMP_ACT_DENY'/],
    ["a word of Object's own", { defaultAction: "constructor" }, /`defaultAction` 'constructor'/],
    ["no default action", { syscalls: [] }, /`defaultAction` is no text/],
    ["somebody to ask", { defaultAction: "SCMP_ACT_NOTIFY" }, /nobody here to be asked/],
    ["a rule without names", allowing(allow([])), /syscalls\[0\] has no `names`/],
    [
      "an errno beyond the kernel's",
      { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 4096 },
      /4095/,
    ],
    [
      "a seventh argument",
      allowing(allow(["read"], { args: [{ index: 6, op: "SCMP_CMP_EQ" }] })),
      /0 to 5/,
    ],
    [
      "a negative value",
      allowing(allow(["read"], { args: [{ index: 0, value: -1, op: "SCMP_CMP_EQ" }] })),
      /value is no whole/,
    ],
    [
      "no capability",
      allowing(allow(["read"], { includes: { caps: ["CAP_ROOT"] } })),
      /'CAP_ROOT'/,
    ],
    [
      "a flag that is not set",
      { defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_LOG"] },
      /FLAG_LOG/,
    ],
    [
      "two forms of architectures",
      { defaultAction: "SCMP_ACT_ALLOW", archMap: [], architectures: [] },
      /leave one out/,
    ],
    ["a list", [], /it is no object/],
  ];
  for (const [what, profile, message] of mistakes) {
    test(`refuses ${what}, and says where`, () => {
      const parsed = parseProfile(JSON.stringify(profile));
      assert.match(parsed.ok ? "" : parsed.error, message);
    });
  }

  test("tells where a text is no JSON", () => {
    const parsed = parseProfile('{"defaultAction": }');
    assert.match(parsed.ok ? "" : parsed.error, /no JSON: .*position 18|no JSON: .*\}/);
  });

  test("keeps every bit of a 64-bit value", () => {
    const args = '[{"index": 0, "op": "SCMP_CMP_EQ", "value": 18446744073709551615}]';
    const rule = `{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": ${args}}`;
    const parsed = parseProfile(`{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [${rule}]}`);
    assert.equal(parsed.ok && parsed.value.rules[0]?.tests[0]?.value, 2n ** 64n - 1n);
    const above = parseProfile(
      `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [${rule.replace("615}", "616}")}]}`,
    );
    assert.match(above.ok ? "" : above.error, /above 18446744073709551615/);
  });
});

/** What a profile says of a call, read rule by rule. */
function plainly(profile: Profile, facts: FilterFacts, call: Call): Action | "KILL" {
  if (call.architecture !== X86_64) return "KILL";
  if (call.number >= 0x40000000 && call.number !== 0xffffffff) return "KILL";
  const rule = profile.rules.find(
    (one) =>
      one.names.some((name) => systemCalls.x64.get(name) === call.number) &&
      isFor(one, facts) &&
      matches(one.tests, call),
  );
  return rule?.action ?? profile.defaultAction;
}

function isFor({ includes, excludes }: SystemCallRule, { capabilities }: FilterFacts): boolean {
  const has = (name: Circumstances["capabilities"][number]): boolean => capabilities.includes(name);
  return includes.capabilities.every(has) && !excludes.capabilities.some(has);
}

function matches(tests: readonly ArgumentTest[], call: Call): boolean {
  const holds = (test: ArgumentTest): boolean => {
    const argument = call.arguments[test.index] ?? 0n;
    const { value } = test;
    return {
      NE: argument !== value,
      LT: argument < value,
      LE: argument <= value,
      EQ: argument === value,
      GE: argument >= value,
      GT: argument > value,
      MASKED_EQ: (argument & value) === (test.valueTwo & value),
    }[test.operator];
  };
  const repeats = new Set(tests.map(({ index }) => index)).size < tests.length;
  return repeats ? tests.some(holds) : tests.every(holds);
}

const VERDICTS: { readonly [K in Action["kind"]]: number } = {
  KILL_PROCESS,
  KILL_THREAD: 0,
  TRAP: 0x30000,
  ERRNO: 0x50000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW,
};

const NAMES = ["read", "write", "open", "clone", "socket", "mseal", "clone3", "execveat"];
const wide = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
// The keys are the table's own.
const kinds = Object.keys(VERDICTS) as Action["kind"][];
const action = fc
  .tuple(fc.constantFrom(...kinds), fc.nat(200))
  .map(([kind, data]) => ({ kind, data: kind === "ERRNO" || kind === "TRACE" ? data : 0 }));
const argumentTest: fc.Arbitrary<ArgumentTest> = fc.record({
  index: fc.nat(5),
  operator: fc.constantFrom("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"),
  value: wide,
  valueTwo: wide,
});
const circumstances: fc.Arbitrary<Circumstances> = fc.record({
  capabilities: fc.subarray(["SYS_ADMIN", "SYS_PTRACE"] as const),
  architectures: fc.constant([]),
  kernel: fc.constant(undefined),
});
const rule: fc.Arbitrary<SystemCallRule> = fc.record({
  names: fc.subarray(NAMES, { minLength: 1 }),
  action,
  tests: fc.array(argumentTest, { maxLength: 4 }),
  includes: circumstances,
  excludes: circumstances,
});
const call: fc.Arbitrary<Call> = fc.record({
  architecture: fc.constantFrom(X86_64, X86_64, X86_64, I386),
  number: fc.oneof(
    fc.constantFrom(...NAMES.map((name) => systemCalls.x64.get(name) ?? 0)),
    fc.constantFrom(3, 461, 463, 0x3fffffff, 0x40000000, 0x40000001, 0xfffffffe, 0xffffffff),
  ),
  arguments: fc.array(wide, { minLength: 6, maxLength: 6 }),
});

/** Arguments that lie at a boundary of some test, where mistakes are. */
function near(profile: Profile, { arguments: given, ...rest }: Call, shift: bigint): Call {
  const tests = profile.rules.flatMap((one) => one.tests);
  const shifted = given.map((value, index) => {
    const test = tests.find((one) => one.index === index);
    const wanted = test?.operator === "MASKED_EQ" ? test.valueTwo : test?.value;
    return wanted === undefined ? value : BigInt.asUintN(64, wanted + shift);
  });
  return { ...rest, arguments: shifted };
}

test("a compiled filter says of every call what its profile says", () => {
  const profile = fc.record({ defaultAction: action, rules: fc.array(rule, { maxLength: 8 }) });
  const capabilities = fc.subarray(["SYS_ADMIN", "SYS_PTRACE"] as const);
  const shift = fc.constantFrom(-(2n ** 32n), -1n, 0n, 0n, 1n, 2n ** 32n);
  const calls = fc.array(fc.tuple(call, fc.boolean(), shift), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(profile, capabilities, calls, (given, has, made) => {
      const facts: FilterFacts = { ...FACTS, capabilities: has };
      const compiled = compileProfile(given, facts);
      assert.ok(compiled.ok);
      const filter = encode(compiled.value.instructions);
      for (const [one, isNear, by] of made) {
        const tried = isNear ? near(given, one, by) : one;
        const said = plainly(given, facts, tried);
        const wanted = said === "KILL" ? KILL_PROCESS : (VERDICTS[said.kind] | said.data) >>> 0;
        assert.equal(runFilter(filter, tried), wanted);
      }
    }),
    { numRuns: 500 },
  );
});

test("a filter with rules for every system call finds each of them", () => {
  const names = [...systemCalls.x64.keys()];
  const rules = names.map((name, index) => ({
    ...{ names: [name], action: "SCMP_ACT_ERRNO", errnoRet: index + 1 },
    args: [{ index: index % 6, value: index, op: "SCMP_CMP_GE" }],
  }));
  const filter = filterOf({ defaultAction: "SCMP_ACT_ALLOW", syscalls: rules });
  for (const [index, name] of names.entries()) {
    const values = Array.from({ length: 6 }, () => index);
    assert.equal(runFilter(filter, callOf(name, values)), 0x50000 | (index + 1), name);
    if (index > 0) {
      const less = values.map((value) => value - 1);
      assert.equal(runFilter(filter, callOf(name, less)), ALLOW, name);
    }
  }
});
