/**
 * What differs between a recorded and a live JSON value: keys, types, formats of numbers, words and
 * flags. Lists have no order. What is different in every run (ids, times, addresses, counts) and
 * sentences count by their format only.
 */
import { type JsonText, shortJson } from "./json-text.ts";

/** One difference in plain words, which begin with where it is. */
export type Difference = string;

/** Sentences, builds, machines, and ids that each run makes anew. */
const FREE_TEXT =
  /(^|\.)(message|hostname|ip|ip_address|pid|uuid|status_uuid|status_update_uuid|data|directory|version|build_date|build_user|git_sha|leader|path|value|container|cluster|email|flags\.[^.]*|flags\[\]\.value)$/;
/** A value where every text is one that the request or the wire names. */
const NAMED_VALUE = /(task_id|executor_id|operation_id|role|attributes\[\]\.text)\.value$/;
/** They say what happens to be on offer at this moment, which Mesos decides once a second. */
const OF_THE_MOMENT =
  /(^|\.)(offered|offered_resources|offered_resources_full|allocated_resources|(frameworks\[\]\.|^)offers|frameworks\[\]\.resources|offers\[\]\.resources)$/;

export function compareJson(recorded: JsonText, live: JsonText, path = ""): readonly Difference[] {
  if (OF_THE_MOMENT.test(path)) return compareOfTheMoment(recorded, live, path);
  if (recorded.kind !== live.kind) {
    return [`${at(path)}: ${recorded.kind} ${shortJson(recorded)} is ${shortJson(live)}`];
  }
  switch (recorded.kind) {
    case "object":
      return live.kind === "object" ? compareMembers(recorded.members, live.members, path) : [];
    case "array":
      return live.kind === "array" ? compareItems(recorded.items, live.items, path) : [];
    case "number":
      return live.kind === "number" ? compareNumbers(recorded.text, live.text, path) : [];
    case "string":
      return live.kind === "string" ? compareTexts(recorded.value, live.value, path) : [];
    case "boolean":
      if (live.kind !== "boolean" || recorded.value === live.value) return [];
      return [`${at(path)}: ${recorded.value} is ${live.value}`];
    default:
      return [];
  }
}

/** Only what both sides have. */
function compareOfTheMoment(
  recorded: JsonText,
  live: JsonText,
  path: string,
): readonly Difference[] {
  if (recorded.kind === "object" && live.kind === "object") {
    const both = [...recorded.members].filter(([key]) => live.members.has(key));
    const keys = new Set(both.map(([key]) => key));
    const others = [...live.members].filter(([key]) => keys.has(key));
    return compareMembers(new Map(both), new Map(others), path);
  }
  if (recorded.kind === "array" && live.kind === "array") {
    if (recorded.items.length === 0 || live.items.length === 0) return [];
    const names = new Set(recorded.items.map(identity));
    const items = live.items.filter((each) => names.has(identity(each)));
    const known = new Set(items.map(identity));
    return compareItems(
      recorded.items.filter((each) => known.has(identity(each))),
      items,
      path,
    );
  }
  return recorded.kind === live.kind ? [] : [`${at(path)}: ${recorded.kind} is ${live.kind}`];
}

function compareMembers(
  recorded: ReadonlyMap<string, JsonText>,
  live: ReadonlyMap<string, JsonText>,
  path: string,
): readonly Difference[] {
  const differences: Difference[] = [];
  const liveByKey = new Map([...live].map(([key, value]) => [comparable(key), value]));
  const recordedKeys = new Set<string>();
  for (const [key, value] of recorded) {
    const name = comparable(key);
    recordedKeys.add(name);
    const other = liveByKey.get(name);
    if (other === undefined) {
      if (!isOptionalNow(join(path, name))) differences.push(`${at(join(path, name))}: missing`);
    } else differences.push(...compareJson(value, other, join(path, name)));
  }
  for (const name of liveByKey.keys()) {
    if (!recordedKeys.has(name) && !isOptionalNow(join(path, name)))
      differences.push(`${at(join(path, name))}: not in Mesos' answer`);
  }
  return differences;
}

/** In the operator API, which is protobuf, an empty list is not there. */
function isOptionalNow(path: string): boolean {
  return path.startsWith("get_") && OF_THE_MOMENT.test(path);
}

/** Elements are matched by their names; how many there are of one name is open. */
function compareItems(
  recorded: readonly JsonText[],
  live: readonly JsonText[],
  path: string,
): readonly Difference[] {
  const inside = `${path}[]`;
  if (recorded.length === 0 && live.length === 0) return [];
  if (live.length === 0) return [`${at(path)}: empty, Mesos has ${namesOf(recorded)}`];
  if (recorded.length === 0) return [`${at(path)}: not empty, has ${namesOf(live)}`];
  if ([...recorded, ...live].every(({ kind }) => kind === "string")) {
    return compareWords(recorded, live, path);
  }
  const differences = new Set<Difference>();
  for (const each of recorded) {
    const others = live.filter((other) => identity(other) === identity(each));
    if (others.length === 0) differences.add(`${at(inside)} ${identity(each)}: missing`);
    for (const found of closest(each, others, inside, "recorded first")) differences.add(found);
  }
  for (const each of live) {
    const others = recorded.filter((other) => identity(other) === identity(each));
    if (others.length === 0) {
      differences.add(`${at(inside)} ${identity(each)}: not in Mesos' answer`);
    }
    for (const found of closest(each, others, inside, "live first")) differences.add(found);
  }
  return [...differences];
}

function namesOf(items: readonly JsonText[]): string {
  return [...new Set(items.map(identity))].join(", ");
}

const NAMES = [
  ...["id", "name", "key", "task_id", "operation_id", "executor_id"],
  ...["framework_info", "agent_info", "executor_info"],
];
const KINDS = ["type", "state", "role", "protocol"];

/** What an element of a list is called, as far as that is the same in every run. */
function identity(json: JsonText): string {
  if (json.kind !== "object") return json.kind;
  const texts = (keys: readonly string[]): string =>
    keys
      .map((key) => nameIn(json.members.get(key)))
      .join(" ")
      .trim();
  const name = texts(NAMES);
  return name === "" ? texts(KINDS) : `${name} ${nameIn(json.members.get("role"))}`.trim();
}

function nameIn(json: JsonText | undefined): string {
  if (json?.kind === "string") return comparable(json.value);
  if (json?.kind !== "object") return "";
  return nameIn(json.members.get("value") ?? json.members.get("name") ?? json.members.get("id"));
}

/** Of a list of words: which are missing, which are too many. */
function compareWords(
  recorded: readonly JsonText[],
  live: readonly JsonText[],
  path: string,
): readonly Difference[] {
  const words = (list: readonly JsonText[]): readonly string[] =>
    list.map((each) => (each.kind === "string" ? comparable(each.value) : ""));
  const [expected, got] = [words(recorded), words(live)];
  return [
    ...expected.filter((word) => !got.includes(word)).map((word) => `${at(path)}: lacks "${word}"`),
    ...got
      .filter((word) => !expected.includes(word))
      .map((word) => `${at(path)}: "${word}" is not in Mesos' answer`),
  ];
}

/** The least that differs between `each` and one of `others`. */
function closest(
  each: JsonText,
  others: readonly JsonText[],
  path: string,
  order: "recorded first" | "live first",
): readonly Difference[] {
  let best: readonly Difference[] | undefined;
  for (const other of others) {
    const found =
      order === "recorded first" ? compareJson(each, other, path) : compareJson(other, each, path);
    if (found.length === 0) return [];
    if (best === undefined || found.length < best.length) best = found;
  }
  return best ?? [];
}

function compareNumbers(recorded: string, live: string, path: string): readonly Difference[] {
  const formats = [recorded, live].map(numberFormat);
  if (formats[0] === formats[1]) return [];
  return [`${at(path)}: ${formats[0]} ${recorded} is ${formats[1]} ${live}`];
}

function numberFormat(text: string): string {
  if (/e/i.test(text)) return "a number with a fraction";
  if (text.includes(".")) return "a number with a fraction";
  return "a whole number";
}

function compareTexts(recorded: string, live: string, path: string): readonly Difference[] {
  const [expected, got] = [comparable(recorded), comparable(live)];
  if (expected === got) return [];
  if (FREE_TEXT.test(path) && !NAMED_VALUE.test(path)) {
    if ((expected === "") === (got === "")) return [];
  }
  return [`${at(path)}: ${JSON.stringify(expected)} is ${JSON.stringify(got)}`];
}

/** A text with what each run makes anew replaced by what it is. */
export function comparable(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>")
    .replaceAll(/<uuid>-S\d+/g, "<agent>")
    .replaceAll(/<uuid>-O\d+/g, "<offer>")
    .replaceAll(/<uuid>-\d{4,}/g, "<framework>")
    .replaceAll(/(?:127\.0\.0\.1|localhost):\d+/g, "<address>");
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function at(path: string): string {
  return path === "" ? "body" : `body ${path}`;
}
