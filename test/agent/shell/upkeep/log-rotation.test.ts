import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { rotateLogs } from "../../../../agent/shell/upkeep/log-rotation.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function sandbox(): string {
  const folder = mkdtempSync(join(tmpdir(), "rimrock-rotation-"));
  folders.push(folder);
  return folder;
}

const said: string[] = [];
const options = { bytesMax: 100, filesMax: 2, log: (line: string) => void said.push(line) };
const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

test("a log beyond its bound becomes .1, that .2, and what would be .3 is gone", async () => {
  const folder = sandbox();
  const path = join(folder, "stdout");
  for (const letter of ["a", "b", "c"]) {
    appendFileSync(path, letter.repeat(101));
    await rotateLogs(folder, { ...options, bytesMax: 100 });
  }
  expect(statSync(path).size).toBe(0);
  expect(read(folder, "stdout.1")).toBe("c".repeat(101));
  expect(read(folder, "stdout.2")).toBe("b".repeat(101));
  expect(existsSync(join(folder, "stdout.3"))).toBe(false);
});

test("of one that outgrew its bound twice before anybody looked, the end is kept", async () => {
  const folder = sandbox();
  writeFileSync(join(folder, "stdout"), `${"a".repeat(101)}${"b".repeat(100)}`);
  await rotateLogs(folder, options);
  expect(read(folder, "stdout.1")).toBe("b".repeat(100));
});

test("one at its bound stays as it is; stderr is looked at as well", async () => {
  const folder = sandbox();
  writeFileSync(join(folder, "stdout"), "x".repeat(100));
  writeFileSync(join(folder, "stderr"), "x".repeat(101));
  await rotateLogs(folder, options);
  expect(existsSync(join(folder, "stdout.1"))).toBe(false);
  expect(statSync(join(folder, "stderr")).size).toBe(0);
});

test("a task that goes on writing writes to the new file", async () => {
  const folder = sandbox();
  const path = join(folder, "stdout");
  writeFileSync(path, "");
  const script = `i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo line $i; sleep 0.01; done`;
  const task = spawn("sh", ["-c", `exec >>${path}; ${script}`]);
  const ended = new Promise((resolve) => task.once("close", resolve));
  const lines: string[] = [];
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  let last = "";
  while (!isOver) {
    await rotateLogs(folder, options);
    const older = existsSync(`${path}.1`) ? read(folder, "stdout.1") : "";
    if (older !== last) lines.push(...older.trimEnd().split("\n"));
    last = older;
    await new Promise((resolve) => setImmediate(resolve));
  }
  lines.push(...read(folder, "stdout").trimEnd().split("\n"));
  const seen = lines.filter((line) => line.startsWith("line"));
  expect(seen.at(-1)).toBe("line 60");
  expect(new Set(seen).size).toBe(60);
});

test("links, pipes and files with a second name are left alone", async () => {
  const folder = sandbox();
  const outside = join(sandbox(), "precious");
  writeFileSync(outside, "x".repeat(1_000));
  symlinkSync(outside, join(folder, "stdout"));
  linkSync(outside, join(folder, "stderr"));
  await rotateLogs(folder, options);
  expect(statSync(outside).size).toBe(1_000);
  rmSync(join(folder, "stdout"));
  execFileSync("mkfifo", [join(folder, "stdout")]);
  await rotateLogs(folder, options);
  expect(existsSync(join(folder, "stdout.1"))).toBe(false);
});

test("a link in place of an older file is replaced, not followed", async () => {
  const folder = sandbox();
  const outside = join(sandbox(), "precious");
  writeFileSync(outside, "precious");
  symlinkSync(outside, join(folder, "stdout.1"));
  writeFileSync(join(folder, "stdout"), "x".repeat(101));
  await rotateLogs(folder, { ...options, filesMax: 1 });
  expect(readFileSync(outside, "utf8")).toBe("precious");
  expect(read(folder, "stdout.1")).toBe("x".repeat(101));
});

test("a sandbox that is gone is nothing to speak of", async () => {
  said.length = 0;
  await rotateLogs("/nowhere/at/all", options);
  expect(said).toEqual([]);
});
