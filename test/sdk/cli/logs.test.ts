/** `rimrock logs`, on a master with tasks and an agent with files. */
import { expect, test } from "vitest";
import { findTail } from "../../../agent/cli/log-tail.ts";
import { readPieces } from "../../../agent/cli/read-pieces.ts";
import { Operator } from "../../../worker/sdk/operator.ts";
import { FakeFiles } from "../fake-files.ts";
import { MASTER_URL } from "../fake-master.ts";

function file(content: string) {
  const files = new FakeFiles();
  files.write("/f", content);
  const operator = new Operator({ master: MASTER_URL, transport: files.transport });
  return async (lines: number): Promise<string> => {
    const { offset } = await findTail(operator, { agentId: "A1", path: "/f" }, lines);
    return content.slice(offset);
  };
}

test.each([
  ["a\nb\nc\n", 0, ""],
  ["a\nb\nc\n", 1, "c\n"],
  ["a\nb\nc\n", 2, "b\nc\n"],
  ["a\nb\nc\n", 3, "a\nb\nc\n"],
  ["a\nb\nc\n", 9, "a\nb\nc\n"],
  ["a\nb\nc", 1, "c"],
  ["a\n\n\n", 2, "\n\n"],
  ["", 3, ""],
  ["one", 3, "one"],
])("the end of %j by %i lines is %j", async (content, lines, expected) => {
  expect(await file(content)(lines)).toBe(expected);
});

test("the last lines are found however far back they begin", async () => {
  const long = "x".repeat(150_000);
  expect(await file(`first\n${long}\nlast\n`)(2)).toBe(`${long}\nlast\n`);
  const lines = Array.from({ length: 40_000 }, (_, at) => `line ${at}\n`);
  expect(await file(lines.join(""))(20_000)).toBe(lines.slice(20_000).join(""));
});

test("of a file that grows meanwhile no more is shown than the lines that were its last", async () => {
  const files = new FakeFiles();
  files.write("/f", "1\n2\n3\n4\n");
  const operator = new Operator({ master: MASTER_URL, transport: files.transport });
  const place = { agentId: "A1", path: "/f" };
  const { offset, size } = await findTail(operator, place, 3);
  files.write("/f", "5\n");
  let shown = "";
  for await (const { data } of readPieces(operator, place, { from: offset, to: size })) {
    shown += new TextDecoder().decode(data);
  }
  expect(shown).toBe("2\n3\n4\n");
});
