/** Offer constraints: which sets are valid, and what they say of an agent. */
import { expect, test } from "vitest";
import { infoTexts } from "../../../worker/core/agent/info.ts";
import {
  admits,
  type ConstraintSet,
  checkConstraints,
  compileConstraints,
  storedConstraints,
} from "../../../worker/core/allocator/offer-constraints.ts";
import type { AgentRow } from "../../../worker/core/rows.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../../worker/protocol/v1/scheduler.ts";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";

type Selector = scheduler.AttributeConstraintSelector;
type Predicate = scheduler.AttributeConstraintPredicate;

const rack: Selector = { attribute_name: "rack" };

function agent(info: Partial<mesos.AgentInfo>): AgentRow {
  const whole = { hostname: "node1.example.com", ...info };
  // Only the facts that constraints look at.
  return { ...infoTexts(whole), hostname: whole.hostname } as AgentRow;
}

const withText = agent({ attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }] });
const withNumber = agent({ attributes: [{ name: "rack", type: "SCALAR", scalar: { value: 7 } }] });
const without = agent({});

function messageOf(
  ...groups: readonly (readonly [Selector, Predicate])[][]
): scheduler.OfferConstraints {
  const messages = groups.map((group) => ({
    attribute_constraints: group.map(([selector, predicate]) => ({ selector, predicate })),
  }));
  return { role_constraints: { web: { groups: messages } } };
}

function setOf(...groups: readonly (readonly [Selector, Predicate])[][]): ConstraintSet {
  const compiled = compileConstraints(messageOf(...groups));
  if (!compiled.ok) throw new Error(compiled.error.code);
  return compiled.value;
}

function verdicts(selector: Selector, predicate: Predicate): readonly boolean[] {
  const set = setOf([[selector, predicate]]);
  return [withText, withNumber, without].map((row) => admits(set, "web", row));
}

function fault(message: scheduler.OfferConstraints): string | undefined {
  const compiled = compileConstraints(message);
  return compiled.ok ? undefined : compiled.error.code;
}

test("each predicate on an attribute that is a text, is something else, is not there", () => {
  expect(verdicts(rack, { exists: {} })).toEqual([true, true, false]);
  expect(verdicts(rack, { not_exists: {} })).toEqual([false, false, true]);
  expect(verdicts(rack, { text_equals: { value: "r1" } })).toEqual([true, true, false]);
  expect(verdicts(rack, { text_equals: { value: "r2" } })).toEqual([false, true, false]);
  expect(verdicts(rack, { text_not_equals: { value: "r1" } })).toEqual([false, true, true]);
  expect(verdicts(rack, { text_not_equals: { value: "r2" } })).toEqual([true, true, true]);
  expect(verdicts(rack, { text_matches: { regex: "r[0-9]" } })).toEqual([true, true, false]);
  expect(verdicts(rack, { text_matches: { regex: "r" } })).toEqual([false, true, false]);
  expect(verdicts(rack, { text_not_matches: { regex: "r[0-9]" } })).toEqual([false, true, true]);
  expect(verdicts(rack, { text_not_matches: { regex: "x" } })).toEqual([true, true, true]);
});

test("of several attributes of one name the first counts", () => {
  const text = (value: string) => ({ name: "rack", type: "TEXT", text: { value } }) as const;
  const twice = agent({ attributes: [text("r1"), text("r2")] });
  expect(admits(setOf([[rack, { text_equals: { value: "r1" } }]]), "web", twice)).toBe(true);
  expect(admits(setOf([[rack, { text_equals: { value: "r2" } }]]), "web", twice)).toBe(false);
});

test("host name, region and zone are texts; without a fault domain the latter two are absent", () => {
  const domain = { fault_domain: { region: { name: "eu" }, zone: { name: "eu-1" } } };
  const placed = agent({ domain });
  const cases = [
    ["HOSTNAME", "node1.example.com", true],
    ["REGION", "eu", false],
    ["ZONE", "eu-1", false],
  ] as const;
  for (const [pseudoattribute_type, value, isAlwaysThere] of cases) {
    const set = setOf([[{ pseudoattribute_type }, { text_equals: { value } }]]);
    expect(admits(set, "web", placed), pseudoattribute_type).toBe(true);
    expect(admits(set, "web", without), pseudoattribute_type).toBe(isAlwaysThere);
  }
});

test("a name is looked for among attributes only: an attribute 'HOSTNAME' is not the host's name", () => {
  expect(verdicts({ attribute_name: "HOSTNAME" }, { exists: {} })).toEqual([false, false, false]);
});

test("groups are alternatives, the constraints of one group hold together", () => {
  const is = (value: string): readonly [Selector, Predicate] => [rack, { text_equals: { value } }];
  const onHost: readonly [Selector, Predicate] = [
    { pseudoattribute_type: "HOSTNAME" },
    { text_matches: { regex: "node2\\..*" } },
  ];
  expect(admits(setOf([is("r2")], [is("r1")]), "web", withText)).toBe(true);
  expect(admits(setOf([is("r1"), onHost]), "web", withText)).toBe(false);
  expect(admits(setOf([is("r1"), onHost], [is("r1")]), "web", withText)).toBe(true);
});

test("a role that is not named takes every agent", () => {
  const set = setOf([[rack, { not_exists: {} }]]);
  expect(admits(set, "web", withText)).toBe(false);
  expect(admits(set, "batch", withText)).toBe(true);
});

test("a list or a group without members makes the set invalid", () => {
  expect(fault({ role_constraints: { web: {} } })).toBe("GROUPS_EMPTY");
  expect(fault({ role_constraints: { web: { groups: [] } } })).toBe("GROUPS_EMPTY");
  expect(fault(messageOf([[rack, { exists: {} }]], []))).toBe("GROUP_EMPTY");
  expect(fault({})).toBeUndefined();
});

test("a constraint has exactly one selector and one predicate", () => {
  const two = { attribute_name: "rack", pseudoattribute_type: "ZONE" } as const;
  expect(fault(messageOf([[{}, { exists: {} }]]))).toBe("SELECTOR_NOT_ONE");
  expect(fault(messageOf([[two, { exists: {} }]]))).toBe("SELECTOR_NOT_ONE");
  const unknown = { pseudoattribute_type: "UNKNOWN" } as const;
  expect(fault(messageOf([[unknown, { exists: {} }]]))).toBe("PSEUDOATTRIBUTE_UNKNOWN");
  expect(fault(messageOf([[rack, {}]]))).toBe("PREDICATE_NOT_ONE");
  expect(fault(messageOf([[rack, { exists: {}, not_exists: {} }]]))).toBe("PREDICATE_NOT_ONE");
});

test("one bad expression makes the whole set invalid, whatever the others are", () => {
  const good: readonly [Selector, Predicate] = [rack, { exists: {} }];
  for (const predicate of [
    { text_matches: { regex: "(" } },
    { text_not_matches: { regex: "a{200}" } },
  ]) {
    expect(fault(messageOf([good], [good, [rack, predicate]]))).toBe("EXPRESSION_INVALID");
  }
});

test("a set that was checked is the one that is used, however often its text comes", () => {
  const message = messageOf([[rack, { text_matches: { regex: "checked" } }]]);
  const text = encodeJson("mesos.v1.scheduler.OfferConstraints", message);
  expect(checkConstraints(message, text)).toBeUndefined();
  const first = storedConstraints(text);
  expect(checkConstraints(message, text)).toBeUndefined();
  expect(storedConstraints(text)).toBe(first);
});

test("a stored set is compiled once, and again after many others have been used", () => {
  const textOf = (regex: string): string =>
    encodeJson(
      "mesos.v1.scheduler.OfferConstraints",
      messageOf([[rack, { text_matches: { regex } }]]),
    );
  const first = storedConstraints(textOf("r1"));
  expect(storedConstraints(textOf("r1"))).toBe(first);
  for (let i = 0; i < 300; i++) storedConstraints(textOf(`[${"x".repeat(4_000)}]${i}`));
  const again = storedConstraints(textOf("r1"));
  expect(again).not.toBe(first);
  expect(admits(again, "web", withText)).toBe(true);
});
