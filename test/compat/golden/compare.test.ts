/** The golden runner's comparison sees what it has to see, and nothing else. */
import { expect, test } from "vitest";
import { compareJson } from "./compare.ts";
import { type JsonText, parseJsonText } from "./json-text.ts";
import { withoutStrangers } from "./prune.ts";

const MASTER = "4cd278c4-5dce-419c-8dc8-92ed61525092";
const OTHER = "cc19cf2f-3e84-4dec-a76e-97b3136b1f78";

function json(text: string): JsonText {
  const parsed = parseJsonText(text);
  if (parsed === undefined) throw new Error(`not JSON: ${text}`);
  return parsed;
}

function differences(recorded: string, live: string): readonly string[] {
  return compareJson(json(recorded), json(live));
}

test("a key that is missing, one too many, and another type are differences", () => {
  expect(differences('{"a":1,"b":{"c":2}}', '{"a":"1","b":{"d":2}}')).toEqual([
    'body a: number 1 is "1"',
    "body b.c: missing",
    "body b.d: not in Mesos' answer",
  ]);
});

test("4.0 and 4 are two formats, 4.0 and 3.9 are one", () => {
  expect(differences('{"cpus":4.0}', '{"cpus":3.9}')).toEqual([]);
  expect(differences('{"cpus":4.0}', '{"cpus":4}')).toHaveLength(1);
});

test("words and flags have to be the same, ids and sentences need not", () => {
  const recorded = `{"id":"${MASTER}-S0","state":"TASK_LOST","ok":true,"message":"Agent is gone"}`;
  const same = `{"id":"${OTHER}-S7","state":"TASK_LOST","ok":true,"message":"another sentence"}`;
  expect(differences(recorded, same)).toEqual([]);
  const other = same.replace("TASK_LOST", "TASK_GONE").replace("true", "false");
  expect(differences(recorded, other)).toHaveLength(2);
});

test("a list has no order, its elements go by their names", () => {
  const [a, b] = ['{"name":"cpus","type":"SCALAR"}', '{"name":"ports","type":"RANGES"}'];
  expect(differences(`[${a},${b}]`, `[${b},${a}]`)).toEqual([]);
  expect(differences(`[${a},${b}]`, `[${b}]`)).toEqual(["body [] cpus: missing"]);
  expect(differences(`[${a}]`, `[${a},${b}]`)).toEqual(["body [] ports: not in Mesos' answer"]);
});

test("frameworks and tasks that nobody replays are taken out of what was recorded", () => {
  const frameworks = `[{"id":"${MASTER}-0000"},{"id":"${MASTER}-0001"}]`;
  const tasks = '[{"task_id":{"value":"a"},"state":"S"},{"task_id":{"value":"b"},"state":"S"}]';
  const pruned = withoutStrangers(json(`{"frameworks":${frameworks},"tasks":${tasks}}`), {
    framework: (id) => id.endsWith("1"),
    task: (id) => id === "b",
  });
  const left = `{"frameworks":[{"id":"${MASTER}-0001"}],"tasks":[{"task_id":{"value":"b"},"state":"S"}]}`;
  expect(pruned).toEqual(json(left));
});
