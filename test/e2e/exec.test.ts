/** `rimrock exec`, `logs` and `files` on a running cluster: through front door, relay and link. */

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  endEverything,
  newFolder,
  ROOT,
  rimrock,
  runningProcesses,
  startCluster,
  type TestCluster,
  type TestProcess,
  until,
} from "./harness.ts";

let cluster: TestCluster;
let task: TestProcess;

// One cluster and one task for all: each test names its own processes and files.
beforeAll(async () => {
  cluster = await startCluster();
  const loop = "echo first; while :; do echo tick; sleep 0.2; done";
  const run = ["--master", cluster.url, "--name", "web", "--cpus", "0.1", "--mem", "64"];
  task = rimrock(["run", ...run, "--", "sh", "-c", loop]);
  await until(() => task.out.includes("tick"), { what: () => `it ticks; ${task.err.join("\n")}` });
});

afterAll(endEverything);

interface Ran {
  readonly code: number | NodeJS.Signals;
  readonly out: Buffer;
  readonly err: string;
}

/** `rimrock`, with bytes as they are. */
async function run(argv: readonly string[], input?: Uint8Array): Promise<Ran> {
  const child = spawn(process.execPath, [join(ROOT, "agent/bin/rimrock.mjs"), ...argv], {
    env: { ...process.env, RIMROCK_MASTER: cluster.url },
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  const err = text(child.stderr);
  const code = await new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("close", (status, signal) => resolve(signal ?? status ?? -1)),
  );
  return { code, out: Buffer.concat(pieces), err: await err };
}

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Processes of the cluster's tasks with this word in their command line. */
const running = (word: string): boolean =>
  runningProcesses([cluster.dataDir]).some(
    ({ command }) => command.includes(word) && !command.includes("rimrock.mjs"),
  );

describe("exec", () => {
  test("runs in the task's sandbox; output, errors and exit code are ours", async () => {
    const ran = await run(["exec", "web", "--", "sh", "-c", "pwd; echo bad >&2; exit 7"]);
    expect(ran.code).toBe(7);
    expect(ran.out.toString()).toMatch(/\/executors\/web\/runs\/[\w-]+\n$/);
    expect(ran.err).toBe("bad\n");
    expect((await run(["exec", "web", "--", "sh", "-c", "kill -9 $$"])).code).toBe(137);
    expect((await run(["exec", "web", "--", "no-such-program"])).code).toBe(127);
  });

  test("a command that closes its output goes on, and its exit code is ours", async () => {
    const script = "exec >&- 2>&-; sleep 0.3; exit 3";
    expect((await run(["exec", "web", "--", "sh", "-c", script])).code).toBe(3);
  });

  test("passes ten megabytes of any bytes in and out", async () => {
    const sent = randomBytes(10_000_000);
    const ran = await run(["exec", "-i", "web", "--", "cat"], sent);
    expect([ran.code, ran.out.length, hash(ran.out)]).toEqual([0, sent.length, hash(sent)]);
  });

  test("without -i the command reads nothing, and one that reads no more ends well", async () => {
    expect(await run(["exec", "web", "--", "cat"])).toMatchObject({ code: 0, err: "" });
    const ran = await run(["exec", "-i", "web", "--", "head", "-c", "3"], randomBytes(3_000_000));
    expect([ran.code, ran.out.length, ran.err]).toEqual([0, 3, ""]);
  });

  test("ends what it runs when it is killed itself", async () => {
    const word = "sleep 71234";
    const killed = rimrock(["exec", "--master", cluster.url, "web", "--", ...word.split(" ")]);
    await until(() => running(word), { what: () => `it runs; ${killed.err.join("\n")}` });
    process.kill(killed.pid, "SIGKILL");
    await until(() => !running(word), { what: () => "it has ended" });
  });

  test("hands on Ctrl-C, and leaves at the second", async () => {
    const script = "trap 'echo caught' INT; echo ready; sleep 71235 & while :; do wait; done";
    const session = rimrock(["exec", "--master", cluster.url, "web", "--", "sh", "-c", script]);
    await until(() => session.out.includes("ready"), { what: () => session.err.join("\n") });
    process.kill(session.pid, "SIGINT");
    await until(() => session.out.includes("caught"), { what: () => "it caught the first" });
    process.kill(session.pid, "SIGINT");
    expect(await session.ended).toBe(130);
    await until(() => !running("sleep 71235"), { what: () => "it has ended" });
  });

  test("at a terminal: size, echo, Ctrl-C and exit code", async () => {
    const command = `node ${join(ROOT, "agent/bin/rimrock.mjs")} exec -it web -- sh`;
    const child = spawn("script", ["-qefc", `stty rows 33 cols 77; ${command}`, "/dev/null"], {
      env: { ...process.env, RIMROCK_MASTER: cluster.url, TERM: "xterm", PS1: "" },
    });
    let seen = "";
    child.stdout.on("data", (piece) => {
      seen += piece;
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const sees = (what: string): Promise<unknown> =>
      until(() => seen.includes(what), { what: () => `${what} is seen in ${seen}` });
    child.stdin.write("stty size; echo $TERM-$((1+1))\r");
    await sees("33 77");
    await sees("xterm-2");
    child.stdin.write("sleep 71236\r");
    await until(() => running("sleep 71236"), { what: () => "it sleeps" });
    child.stdin.write("\x03");
    await until(() => !running("sleep 71236"), { what: () => "Ctrl-C has ended it" });
    child.stdin.write("exit 9\r");
    expect(await ended).toBe(9);
  });

  test("says what is wrong, and what to do", async () => {
    const said = async (...argv: string[]): Promise<readonly [unknown, string]> => {
      const { code, err } = await run(["exec", ...argv]);
      return [code, err];
    };
    expect(await said("wbe", "--", "ls")).toEqual([
      1,
      expect.stringContaining('did you mean "web"?'),
    ]);
    expect(await said("web", "ls")).toEqual([2, expect.stringContaining("put -- before")]);
    expect(await said("-it", "web", "--", "sh")).toEqual([
      1,
      expect.stringContaining("needs a terminal"),
    ]);
    expect(await said("--user", "nosuchuser", "web", "--", "ls")).toEqual([
      1,
      expect.stringContaining("nosuchuser"),
    ]);
  });
});

describe("logs", () => {
  test("show what is there, the last lines of it, or what comes", async () => {
    const all = await run(["logs", "web"]);
    expect(all.out.toString()).toMatch(/^first\ntick\n/);
    // It ticks on between the two questions that this takes.
    expect((await run(["logs", "--tail", "1", "web"])).out.toString()).toMatch(/^(tick\n){1,4}$/);
    const followed = rimrock(["logs", "-f", "--tail", "0", "web", "--master", cluster.url]);
    await until(() => followed.out.length > 2, { what: () => "ticks come" });
    process.kill(followed.pid, "SIGINT");
    expect(await followed.ended).toBe(130);
  });

  test("of a task that ends are followed to its end; both streams; also afterwards", async () => {
    const script = "echo out; echo err >&2; sleep 1; echo last";
    const short = ["--name", "short", "--cpus", "0.1", "--mem", "32"];
    const started = run(["run", ...short, "--", "sh", "-c", script]);
    await until(async () => (await run(["logs", "short"])).code === 0, { what: () => "it runs" });
    const followed = await run(["logs", "-f", "--all", "short"]);
    expect([followed.code, followed.out.toString(), followed.err]).toEqual([
      0,
      "out\nlast\n",
      "err\n",
    ]);
    await started;
    const after = await run(["logs", "short", "--stderr"]);
    expect([after.code, after.out.toString(), after.err]).toEqual([0, "", "err\n"]);
    const json = await run(["logs", "short", "--json"]);
    const event = { event: "OUTPUT", task: "short", stream: "stdout", text: "out\nlast\n" };
    expect(JSON.parse(json.out.toString())).toEqual(event);
  });
});

describe("files", () => {
  test("are listed, shown and fetched; what leads out is neither shown nor fetched", async () => {
    const make =
      "mkdir -p tree/inner; echo one > tree/a; head -c 300000 /dev/urandom > tree/inner/b; " +
      "ln -s /etc/passwd tree/passwd; mkfifo tree/pipe; ln -s .. tree/inner/up";
    await run(["exec", "web", "--", "sh", "-c", make]);
    const listed = JSON.parse((await run(["files", "ls", "web", "tree", "--json"])).out.toString());
    expect(listed.map(({ name, mode }: Record<string, string>) => `${mode?.[0]} ${name}`)).toEqual([
      "- a",
      "d inner",
      "l passwd",
      "p pipe",
    ]);
    const big = await run(["files", "cat", "web", "tree/inner/b"]);
    const there = await run(["exec", "web", "--", "sha256sum", "tree/inner/b"]);
    expect(there.out.toString()).toContain(hash(big.out));
    const target = join(newFolder(), "got");
    const got = await run(["files", "get", "web", "tree", target, "--json"]);
    expect(JSON.parse(got.out.toString())).toMatchObject({ files: 2, bytes: 300_004 });
    expect(readdirSync(target).toSorted()).toEqual(["a", "inner"]);
    expect(readdirSync(join(target, "inner"))).toEqual(["b"]);
    expect(hash(readFileSync(join(target, "inner/b")))).toBe(hash(big.out));
    for (const path of ["../../../../../../etc/passwd", "tree/passwd", "tree/inner/up/../../.."]) {
      const outside = await run(["files", "cat", "web", path]);
      expect([outside.code, outside.out.toString()]).toEqual([1, ""]);
    }
  });

  test("that are fetched again are left as they are; those that differ are kept", async () => {
    const folder = newFolder();
    const file = join(folder, "mine");
    await run(["exec", "web", "--", "sh", "-c", "echo theirs > file"]);
    expect((await run(["files", "get", "web", "file", file])).code).toBe(0);
    const before = statSync(file).mtimeMs;
    expect((await run(["files", "get", "web", "file", file])).err).toContain("here already");
    writeFileSync(file, "mine");
    const kept = await run(["files", "get", "web", "file", file]);
    expect([kept.code, readFileSync(file, "utf8")]).toEqual([1, "mine"]);
    expect(kept.err).toContain("--force");
    await run(["files", "get", "--force", "web", "file", file]);
    expect([readFileSync(file, "utf8"), statSync(file).mtimeMs]).toEqual(["theirs\n", before]);
    mkdirSync(join(folder, "sub"));
    expect((await run(["files", "get", "web", "nosuch", join(folder, "sub/x")])).code).toBe(1);
    expect(readdirSync(join(folder, "sub"))).toEqual([]);
  });
});
