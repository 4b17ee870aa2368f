/** A container's output from Docker's log into the sandbox, on a log that does what logs may do. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "vitest";
import { Engine } from "../../../agent/containerizer/docker/engine.ts";
import { LogPump } from "../../../agent/containerizer/docker/log-pump.ts";
import { DockerRecords, type LogPosition } from "../../../agent/containerizer/docker/records.ts";
import { newContainerId, until, within } from "./harness.ts";

interface Entry {
  readonly time: string;
  readonly text: string;
  readonly stream?: "stdout" | "stderr";
}

let folder = "";
let server: Server;
/** What the log has, in its order. */
let log: Entry[] = [];
/** The `since` of each question. */
let asked: (string | null)[] = [];
let following: ServerResponse[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rimrock-log-pump-"));
  mkdirSync(join(folder, "sandbox"));
  mkdirSync(join(folder, "runtime"));
  log = [];
  asked = [];
  following = [];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://docker");
    if (url.pathname === "/version") {
      response.end(JSON.stringify({ ApiVersion: "1.41", MinAPIVersion: "1.12" }));
      return;
    }
    const since = url.searchParams.get("since");
    asked.push(since);
    response.writeHead(200);
    response.flushHeaders();
    // As Docker does: whatever is older is left out, wherever it stands.
    const from = since === null ? 0 : Number(since);
    for (const entry of log)
      if (Date.parse(entry.time) / 1_000 >= from) response.write(frame(entry));
    if (url.searchParams.get("follow") === "1") following.push(response);
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "sock"), resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function frame({ time, text, stream = "stdout" }: Entry): Buffer {
  const data = Buffer.from(`${time} ${text}`);
  const header = Buffer.from([stream === "stdout" ? 1 : 2, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

/** `second` after an arbitrary moment of the past; `nano`: its fraction. */
function at(second: number, nano = 0): string {
  const whole = new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString().slice(0, 19);
  return `${whole}.${String(nano).padStart(9, "0")}Z`;
}

function write(...entries: Entry[]): void {
  log.push(...entries);
  for (const response of following) for (const entry of entries) response.write(frame(entry));
}

const containerId = newContainerId();
const told: string[] = [];
function pump(): LogPump {
  return new LogPump({
    engine: new Engine(join(folder, "sock")),
    records: new DockerRecords(join(folder, "runtime")),
    containerId,
    dockerId: "d",
    sandboxDirectory: join(folder, "sandbox"),
    log: (line) => told.push(line),
    streamEnded: () => {},
  });
}

const written = (name: "stdout" | "stderr"): string =>
  readFileSync(join(folder, "sandbox", name), "utf8");

function position(): LogPosition | undefined {
  return new DockerRecords(join(folder, "runtime")).position(containerId);
}

function keep(kept: LogPosition): void {
  assert.ok(new DockerRecords(join(folder, "runtime")).writePosition(containerId, kept).ok);
}

/** The pump of an agent that is killed: it never gets to write where it is. */
async function killed(old: LogPump, kept: LogPosition | undefined): Promise<void> {
  old.close();
  for (const response of following.splice(0)) response.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (kept !== undefined) keep(kept);
}

test("both streams arrive in their files, also what comes after a lost connection", async () => {
  write({ time: at(1), text: "a\n" });
  const one = pump();
  write({ time: at(2), text: "b", stream: "stderr" }, { time: at(3), text: "c\n" });
  await until("all is written", () => written("stdout") === "a\nc\n");
  following.splice(0)[0]?.destroy();
  log.push({ time: at(4), text: "d\n" });
  await until("the rest is written", () => written("stdout") === "a\nc\nd\n");
  for (const response of following) response.end();
  await within(5_000, one.finish());
  assert.equal(written("stdout"), "a\nc\nd\n");
  assert.equal(written("stderr"), "b");
});

test("what an agent wrote before it was killed is not written again, half an entry neither", async () => {
  write({ time: at(1), text: "one\n" });
  const first = pump();
  await until("the first is written", () => written("stdout") === "one\n");
  await until("its place is known", () => position()?.time === at(1));
  const kept = position();
  write({ time: at(2), text: "two\n" }, { time: at(3), text: "three\n" });
  await until("more is written", () => written("stdout").endsWith("three\n"));
  // The third was being written when the agent died.
  truncateSync(join(folder, "sandbox/stdout"), "one\ntwo\nth".length);
  await killed(first, kept);
  log.push({ time: at(4), text: "four\n" });
  const second = pump();
  await until("the rest is written", () => written("stdout").endsWith("four\n"));
  for (const response of following) response.end();
  await within(5_000, second.finish());
  assert.equal(written("stdout"), "one\ntwo\nthree\nfour\n");
});

test("output that was there before the container began is not taken for its own", async () => {
  appendFileSync(join(folder, "sandbox/stdout"), "of an earlier run\n");
  const sizes = { stdout: 18, stderr: 0 };
  keep({ time: "", stream: "stdout", nth: 0, sizes });
  appendFileSync(join(folder, "sandbox/stdout"), "one\n");
  log.push({ time: at(1), text: "one\n" }, { time: at(2), text: "two\n" });
  const only = pump();
  await until("all is written", () => written("stdout").endsWith("two\n"));
  for (const response of following) response.end();
  await within(5_000, only.finish());
  assert.equal(written("stdout"), "of an earlier run\none\ntwo\n");
});

test("entries of one time, and those out of order, are found again by their place", async () => {
  write(
    { time: at(5, 7), text: "a\n" },
    { time: at(5, 9), text: "E\n", stream: "stderr" },
    { time: at(5, 7), text: "b\n" },
    { time: at(5, 7), text: "c\n" },
  );
  const first = pump();
  await until("all is written", () => written("stdout") === "a\nb\nc\n");
  await until(
    "its place is known",
    () => position()?.time === at(5, 7) && written("stderr") !== "",
  );
  const kept = position();
  await killed(first, kept);
  log.push({ time: at(5, 8), text: "d\n" });
  const second = pump();
  await until("the rest is written", () => written("stdout").endsWith("d\n"));
  for (const response of following) response.end();
  await within(5_000, second.finish());
  assert.equal(written("stdout"), "a\nb\nc\nd\n");
  assert.equal(written("stderr"), "E\n");
});

test("a log that has lost the place goes on after it", async () => {
  keep({ time: at(10), stream: "stdout", nth: 1, sizes: { stdout: 0, stderr: 0 } });
  log.push({ time: at(9), text: "old\n" }, { time: at(11), text: "new\n" });
  const only = pump();
  await until("its question is there", () => following.length === 1);
  write({ time: at(20), text: "newer\n" });
  await until("all is written", () => written("stdout") === "new\nnewer\n");
  assert.equal(asked[0], String(Date.parse(at(8)) / 1_000), "a little before the place");
  for (const response of following) response.end();
  await within(5_000, only.finish());
});

test("a clock that was set back loses nothing", async () => {
  const hence = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19);
  const future = `${hence}.000000000Z`;
  write({ time: future, text: "before\n" });
  const first = pump();
  await until("it is written", () => written("stdout") === "before\n");
  await until("its place is known", () => position()?.time === future);
  await killed(first, position());
  log.push({ time: at(1), text: "after\n" });
  asked = [];
  const second = pump();
  await until("the rest is written", () => written("stdout") === "before\nafter\n");
  assert.equal(asked[0], null, "all of the log is asked for");
  for (const response of following) response.end();
  await within(5_000, second.finish());
  assert.equal(written("stdout"), "before\nafter\n");
});

test("logs that are cut while it runs go on at their new end", async () => {
  write({ time: at(1), text: "long ago\n" });
  const first = pump();
  await until("it is written", () => written("stdout") === "long ago\n");
  truncateSync(join(folder, "sandbox/stdout"), 0);
  write({ time: at(2), text: "now\n" });
  await until("the rest is written", () => written("stdout") === "now\n");
  await until("its place is known", () => position()?.time === at(2));
  await killed(first, position());
  log.push({ time: at(3), text: "later\n" });
  const second = pump();
  await until("the rest is written", () => written("stdout").endsWith("later\n"));
  for (const response of following) response.end();
  await within(5_000, second.finish());
  assert.equal(written("stdout"), "now\nlater\n");
});

test("a link that a task put in the place of its log is not written through", async () => {
  symlinkSync(join(folder, "elsewhere"), join(folder, "sandbox/stdout"));
  appendFileSync(join(folder, "elsewhere"), "");
  log.push({ time: at(1), text: "out\n" }, { time: at(2), text: "err\n", stream: "stderr" });
  const only = pump();
  await until("the other is written", () => written("stderr") === "err\n");
  for (const response of following) response.end();
  await within(5_000, only.finish());
  assert.equal(readFileSync(join(folder, "elsewhere"), "utf8"), "");
  assert.ok(told.some((line) => /its output is lost: .*sandbox\/stdout: ELOOP$/.test(line)));
});

test("a stream that outlives its container is given up, and the rest read without it", async () => {
  write({ time: at(1), text: "a\n" });
  const only = pump();
  await until("it is written", () => written("stdout") === "a\n");
  // Docker wrote it and never said so.
  log.push({ time: at(2), text: "b\n" });
  await within(5_000, only.finish());
  assert.equal(written("stdout"), "a\nb\n");
});
