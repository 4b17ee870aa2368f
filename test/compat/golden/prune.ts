/**
 * Frameworks that came and went before a recording began are in its documents, with their tasks.
 * What nobody replays cannot be there now, so it is taken out of the recorded document.
 */
import type { JsonText } from "./json-text.ts";

/** What of a recording was there in the live cluster, too; by recorded id. */
export interface Replayed {
  framework(id: string): boolean;
  task(id: string): boolean;
}

export function withoutStrangers(json: JsonText, replayed: Replayed): JsonText {
  if (json.kind === "array") {
    const items = json.items.filter((each) => !isStranger(each, replayed));
    return { kind: "array", items: items.map((each) => withoutStrangers(each, replayed)) };
  }
  if (json.kind !== "object") return json;
  const members = [...json.members].flatMap(([key, value]): readonly [string, JsonText][] => {
    const pruned = withoutStrangers(value, replayed);
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

function isStranger(json: JsonText, replayed: Replayed): boolean {
  if (json.kind === "object" && isStrangeTask(json.members, replayed)) return true;
  const id =
    json.kind === "string" ? json.value : json.kind === "object" ? frameworkIdOf(json.members) : "";
  return /^[0-9a-f-]{36}-\d{4,}$/.test(id) && !replayed.framework(id);
}

/** A task, a status of one, or an UPDATE about one. */
function isStrangeTask(members: ReadonlyMap<string, JsonText>, replayed: Replayed): boolean {
  const update = members.get("update") ?? members.get("task_updated");
  const status = update?.kind === "object" ? update.members.get("status") : undefined;
  if (status?.kind === "object") return isStrangeTask(status.members, replayed);
  const id = members.get("task_id") ?? (members.has("slave_id") ? members.get("id") : undefined);
  if (!members.has("state") || id === undefined) return false;
  const value = id.kind === "object" ? id.members.get("value") : id;
  return value?.kind === "string" && !replayed.task(value.value);
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
