/**
 * Frameworks that came and went before a recording began are in its documents, with their tasks. What
 * nobody replays cannot be there now, so it is taken out of the recorded document.
 */
import type { JsonText } from "./json-text.ts";

/** `isReplayed`: of a recorded framework's id. */
export function withoutStrangers(
  json: JsonText,
  isReplayed: (frameworkId: string) => boolean,
): JsonText {
  if (json.kind === "array") {
    const items = json.items.filter((each) => !isStranger(each, isReplayed));
    return { kind: "array", items: items.map((each) => withoutStrangers(each, isReplayed)) };
  }
  if (json.kind !== "object") return json;
  const members = [...json.members].flatMap(([key, value]): readonly [string, JsonText][] => {
    const pruned = withoutStrangers(value, isReplayed);
    const isEmptied = lengthOf(pruned) === 0 && (lengthOf(value) ?? 0) > 0;
    // The operator API's answers are protobuf: an empty list is not there.
    const isProtobuf = [...json.members.values()].every((each) => lengthOf(each) !== 0);
    return isEmptied && isProtobuf ? [] : [[key, pruned]];
  });
  return { kind: "object", members: new Map(members) };
}

function lengthOf(json: JsonText): number | undefined {
  return json.kind === "array" ? json.items.length : undefined;
}

function isStranger(json: JsonText, isReplayed: (frameworkId: string) => boolean): boolean {
  const id =
    json.kind === "string" ? json.value : json.kind === "object" ? frameworkIdOf(json.members) : "";
  return /^[0-9a-f-]{36}-\d{4,}$/.test(id) && !isReplayed(id);
}

function frameworkIdOf(members: ReadonlyMap<string, JsonText>): string {
  for (const key of ["framework_id", "framework_info", "id"]) {
    const found = members.get(key);
    if (found?.kind === "string") return found.value;
    if (found?.kind !== "object") continue;
    const value = found.members.get("value") ?? found.members.get("id");
    if (value?.kind === "string") return value.value;
    if (value?.kind === "object") {
      const inner = value.members.get("value");
      if (inner?.kind === "string") return inner.value;
    }
  }
  return "";
}
