import { expect, test } from "vitest";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { type FollowOptions, followFile, outputPath } from "../../worker/sdk/sandbox.ts";
import { FakeFiles } from "./fake-files.ts";
import { MASTER_URL } from "./fake-master.ts";
import { gate } from "./start-scheduler.ts";

const PATH = outputPath("F1", "t1", "stdout");

function follow(files: FakeFiles, options: Partial<FollowOptions> = {}) {
  const operator = new Operator({ master: MASTER_URL, transport: files.transport });
  const writer = gate();
  const abort = new AbortController();
  const seen = { text: "" };
  const done = (async () => {
    const decoder = new TextDecoder();
    const file = { agentId: "A1", path: PATH, pollMs: { initial: 2, max: 5 }, graceMs: 40 };
    const stops = { ended: writer.opened, signal: abort.signal };
    for await (const bytes of followFile(operator, { ...file, ...stops, ...options })) {
      seen.text += decoder.decode(bytes, { stream: true });
    }
  })();
  // Looked at by the tests that expect it; until then it must not count as unhandled.
  done.catch(() => {});
  const shows = async (text: string) => {
    while (seen.text !== text) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return { seen, done, endWriter: writer.open, abort, shows };
}

test("a file is shown as it grows, and to its end after its writer has ended", async () => {
  const files = new FakeFiles();
  files.write(PATH, "one\n");
  const { seen, done, shows, endWriter } = follow(files);
  await shows("one\n");
  files.write(PATH, "two\n");
  await shows("one\ntwo\n");
  files.write(PATH, "three");
  endWriter();
  await done;
  expect(seen.text).toBe("one\ntwo\nthree");
});

test("a file longer than one answer, with characters over its edges, comes whole and in order", async () => {
  const files = new FakeFiles();
  const text = Array.from({ length: 60_000 }, (_, line) => `${line} é🚀`).join("\n");
  files.write(PATH, text);
  const { seen, done, endWriter } = follow(files);
  endWriter();
  await done;
  expect(seen.text === text).toBe(true);
});

test("a file that is not there yet, or an agent that is away, is waited for", async () => {
  const files = new FakeFiles();
  const { seen, done, shows, endWriter } = follow(files);
  await new Promise((resolve) => setTimeout(resolve, 15));
  files.write(PATH, "a");
  await shows("a");
  files.failWith = 503;
  files.write(PATH, "b");
  await new Promise((resolve) => setTimeout(resolve, 15));
  expect(seen.text).toBe("a");
  endWriter();
  files.failWith = undefined;
  await done;
  expect(seen.text).toBe("ab");
});

test("an agent that stays away after the writer's end is given up with the reason", async () => {
  const files = new FakeFiles();
  files.failWith = 503;
  const { done, endWriter } = follow(files);
  endWriter();
  await expect(done).rejects.toMatchObject({ code: "UNAVAILABLE", status: 503 });
});

test("a refusal that asking again cannot change is given up at once", async () => {
  const files = new FakeFiles();
  files.failWith = 403;
  const { done } = follow(files, { graceMs: 60_000 });
  const error = await done.catch((cause: unknown) => cause);
  expect(SchedulerError.is(error, "FORBIDDEN")).toBe(true);
});

test("aborting ends the following quietly, also in the middle of a pause", async () => {
  const files = new FakeFiles();
  files.write(PATH, "a");
  const { done, abort, shows, seen } = follow(files, { pollMs: { initial: 60_000, max: 60_000 } });
  await shows("a");
  abort.abort();
  await done;
  expect(seen.text).toBe("a");
});

test("a log that moves away any number of times between two looks is shown whole", async () => {
  const files = new FakeFiles();
  files.write(PATH, "first\n");
  let gaps = 0;
  const { seen, done, shows, endWriter } = follow(files, { onGap: () => void gaps++ });
  await shows("first\n");
  let all = "first\n";
  for (const rotations of [1, 2, 3]) {
    // The agent cannot be asked while it happens.
    files.failWith = 503;
    for (let at = 0; at < rotations; at++) {
      const text = `line ${rotations}.${at}\n`.repeat(2);
      files.write(PATH, text);
      files.rotate(PATH, 3);
      all += text;
    }
    // As long as what was shown of the one before, and longer.
    const text = `the newest file of ${rotations}\n`.repeat(rotations * 4);
    files.write(PATH, text);
    all += text;
    files.failWith = undefined;
    await shows(all);
  }
  endWriter();
  await done;
  expect(seen.text).toBe(all);
  expect(gaps).toBe(0);
});

test("a log that moved and was refilled to the very byte is told from what it was", async () => {
  const files = new FakeFiles();
  files.write(PATH, "aaaa\n");
  const { seen, done, shows, endWriter } = follow(files);
  await shows("aaaa\n");
  files.rotate(PATH, 1);
  files.write(PATH, "bbbb\n");
  await shows("aaaa\nbbbb\n");
  files.rotate(PATH, 1);
  endWriter();
  await done;
  expect(seen.text).toBe("aaaa\nbbbb\n");
});

test("what was removed before it could be shown is told, and what is left is shown", async () => {
  const files = new FakeFiles();
  files.write(PATH, "one\n");
  let gaps = 0;
  const { seen, done, shows, endWriter } = follow(files, { onGap: () => void gaps++ });
  await shows("one\n");
  files.failWith = 503;
  for (const text of ["two\n", "three\n", "four\n"]) {
    files.write(PATH, text);
    files.rotate(PATH, 2);
  }
  files.write(PATH, "five\n");
  endWriter();
  files.failWith = undefined;
  await done;
  expect(seen.text).toBe("one\nthree\nfour\nfive\n");
  expect(gaps).toBe(1);
});

test("a log that moved before its first look is shown to its end", async () => {
  const files = new FakeFiles();
  files.write(PATH, "");
  const { seen, done, endWriter } = follow(files);
  await new Promise((resolve) => setTimeout(resolve, 15));
  files.write(PATH, "x\n");
  files.rotate(PATH, 2);
  endWriter();
  await done;
  expect(seen.text).toBe("x\n");
});
