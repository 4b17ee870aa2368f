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
  /(^|\.)(message|hostname|ip|ip_address|pid|uuid|status_uuid|directory|version|build_date|build_user|git_sha|leader|path|value|container|cluster|email|flags\.[^.]*|flags\[\]\.value)$/;
/** A value where every text is one that the request or the wire names. */
const NAMED_VALUE = /(task_id|executor_id|operation_id|role|attributes\[\]\.text)\.value$/;
/** They say what happens to be on offer at this moment, which Mesos decides once a second. */
const OF_THE_MOMENT = /(^|\.)(offered|offered_resources|offered_resources_full)$/;

export function compareJson(recorded: JsonText, live: JsonText, path = ""): readonly Difference[] {
  if (OF_THE_MOMENT.test(path) && recorded.kind === live.kind) return [];
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
    if (other === undefined) differences.push(`${at(join(path, name))}: missing`);
    else differences.push(...compareJson(value, other, join(path, name)));
  }
  for (const name of liveByKey.keys()) {
    if (!recordedKeys.has(name)) differences.push(`${at(join(path, name))}: not in Mesos' answer`);
  }
  return differences;
}

/** Each element of either side needs one of the other that is as good as equal; how many there are is open. */
function compareItems(
  recorded: readonly JsonText[],
  live: readonly JsonText[],
  path: string,
): readonly Difference[] {
  const inside = `${path}[]`;
  if (recorded.length === 0 && live.length === 0) return [];
  if (live.length === 0) return [`${at(path)}: empty, Mesos has ${recorded.length}`];
  if (recorded.length === 0) return [`${at(path)}: not empty: ${live.map(shortJson).join(", ")}`];
  if ([...recorded, ...live].every(({ kind }) => kind === "string")) {
    return compareWords(recorded, live, path);
  }
  const differences = new Set<Difference>();
  for (const each of recorded) {
    for (const found of closest(each, live, inside)) differences.add(found);
  }
  for (const each of live) {
    const found = closest(each, recorded, inside, "live first");
    if (found.length > 0 && differences.size === 0) {
      differences.add(`${at(inside)}: more than Mesos has: ${shortJson(each)}`);
    }
  }
  return [...differences];
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

function closest(
  each: JsonText,
  others: readonly JsonText[],
  path: string,
  order: "recorded first" | "live first" = "recorded first",
): readonly Difference[] {
  let best: readonly Difference[] | undefined;
  for (const other of others) {
    const found =
      order === "recorded first" ? compareJson(each, other, path) : compareJson(other, each, path);
    if (found.length === 0) return [];
    if (best === undefined || weight(found) < weight(best)) best = found;
  }
  return best ?? [];
}

/** Elements with one name belong together, however different they are. */
function weight(differences: readonly Difference[]): number {
  const isAnother = differences.some((each) => /\.(id|name|type|task_id\.value|key): /.test(each));
  return differences.length + (isAnother ? 100 : 0);
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
