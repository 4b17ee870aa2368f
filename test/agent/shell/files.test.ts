import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listSandboxFiles, readSandboxFile } from "../../../agent/shell/files.ts";

let work = "";
let outside = "";
const latest = "/frameworks/f/executors/e/runs/latest";

beforeAll(() => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "rimrock-files-")));
  work = join(base, "work");
  outside = join(base, "secret");
  const runs = join(work, "slaves/a/frameworks/f/executors/e/runs");
  mkdirSync(join(runs, "c1/sub"), { recursive: true });
  mkdirSync(join(runs, "c0"), { recursive: true });
  mkdirSync(join(work, "meta"));
  writeFileSync(join(work, "meta/snapshot"), "secret");
  writeFileSync(outside, "secret");
  writeFileSync(join(runs, "c0/stdout"), "another run");
  symlinkSync("c1", join(runs, "latest"));
  const sandbox = join(runs, "c1");
  writeFileSync(join(sandbox, "stdout"), "0123456789");
  writeFileSync(join(sandbox, "big"), Buffer.alloc(100_000, 65));
  writeFileSync(join(sandbox, "sub/inner"), "inner");
  symlinkSync(outside, join(sandbox, "absolute"));
  symlinkSync("../../../../../../../../../secret", join(sandbox, "relative"));
  symlinkSync("../c0/stdout", join(sandbox, "neighbour"));
  symlinkSync("..", join(sandbox, "up"));
  symlinkSync("sub/inner", join(sandbox, "inside"));
  symlinkSync("loop", join(sandbox, "loop"));
  execFileSync("mkfifo", [join(sandbox, "pipe")]);
});
afterAll(() => rmSync(join(work, ".."), { recursive: true, force: true }));

const read = async (path: string, offset = 0n, length?: bigint) => {
  const result = await readSandboxFile(
    { workDirectory: work, agentId: "a" },
    { path, offset, length },
  );
  if (!result.ok) return result.error.code;
  return [result.value.size, Buffer.from(result.value.data).toString("utf8")];
};
const list = async (path: string) => {
  const result = await listSandboxFiles({ workDirectory: work, agentId: "a" }, path);
  return result.ok ? result.value : result.error.code;
};

describe("reading", () => {
  test("a range of a file by its virtual and by its real path", async () => {
    expect(await read(`${latest}/stdout`, 4n, 3n)).toEqual([10n, "456"]);
    const real = `${work}/slaves/a/frameworks/f/executors/e/runs`;
    expect(await read(`${real}/c1/stdout`, 8n)).toEqual([10n, "89"]);
    expect(await read(`${real}/latest/stdout`, 8n)).toEqual([10n, "89"]);
    expect(await read("/frameworks/f/executors/e/runs/c0/stdout")).toEqual([11n, "another run"]);
    expect(await read(`${latest}//stdout`)).toEqual([10n, "0123456789"]);
  });

  test("at most 64 KiB, nothing past the end, nothing of length 0", async () => {
    expect((await read(`${latest}/big`))[1]).toHaveLength(65_536);
    expect((await read(`${latest}/big`, 0n, 1_000_000n))[1]).toHaveLength(65_536);
    expect(await read(`${latest}/stdout`, 10n)).toEqual([10n, ""]);
    expect(await read(`${latest}/stdout`, 2n ** 63n)).toEqual([10n, ""]);
    expect(await read(`${latest}/stdout`, 0n, 0n)).toEqual([10n, ""]);
  });

  test("a link within the sandbox is followed", async () => {
    expect(await read(`${latest}/inside`)).toEqual([5n, "inner"]);
  });

  test.each(["absolute", "relative", "neighbour", "up/c0/stdout", "loop"])(
    "the link '%s' leads nowhere",
    async (name) => {
      expect(await read(`${latest}/${name}`)).toBe("NOT_FOUND");
    },
  );

  test.each([
    "",
    "/",
    "/etc/passwd",
    "/frameworks/f/executors/e/runs",
    "/frameworks/f/executors/e/runs/..",
    `${latest}/../c0/stdout`,
    `${latest}/./stdout`,
    "/frameworks/f/executors/../../../../../meta/snapshot",
    `${latest}/nothing`,
    `${latest}/stdout/below`,
    "/frameworks/f/executors/e/runs/c9/stdout",
    "/frameworks/f/executors/e/runs/latest/std\0out",
  ])("the path '%s' is not found", async (path) => {
    expect(await read(path)).toBe("NOT_FOUND");
  });

  test("the agent's own records are not to be read", async () => {
    expect(await read(`${work}/meta/snapshot`)).toBe("NOT_FOUND");
    expect(await read(outside)).toBe("NOT_FOUND");
  });

  test("a pipe and a folder are refused without waiting", async () => {
    expect(await read(`${latest}/pipe`)).toBe("NOT_A_FILE");
    expect(await read(`${latest}/sub`)).toBe("NOT_A_FILE");
  });

  test("an agent without an id has no virtual paths", async () => {
    const root = { workDirectory: work, agentId: undefined };
    const path = `${latest}/stdout`;
    expect(await readSandboxFile(root, { path, offset: 0n, length: undefined })).toMatchObject({
      ok: false,
    });
  });
});

describe("listing", () => {
  test("one level, sorted, with the facts of each", async () => {
    const infos = await list(latest);
    expect(Array.isArray(infos) && infos.map(({ path }) => path.slice(latest.length + 1))).toEqual([
      "absolute",
      "big",
      "inside",
      "loop",
      "neighbour",
      "pipe",
      "relative",
      "stdout",
      "sub",
      "up",
    ]);
    expect(Array.isArray(infos) && infos.find(({ path }) => path.endsWith("stdout"))).toMatchObject(
      {
        size: 10n,
        nlink: 1,
        mode: expect.any(Number),
        uid: expect.any(String),
      },
    );
    expect(await list(`${latest}/sub`)).toMatchObject([{ path: `${latest}/sub/inner`, size: 5n }]);
  });

  test("a file, and what lies outside, cannot be listed", async () => {
    expect(await list(`${latest}/stdout`)).toBe("NOT_A_DIRECTORY");
    expect(await list(`${latest}/up`)).toBe("NOT_FOUND");
    expect(await list("/")).toBe("NOT_FOUND");
  });
});

test("a folder that is exchanged for a link at every moment never shows what is outside", async () => {
  const sandbox = join(work, "slaves/a/frameworks/f/executors/e/runs/c1");
  const foreign = join(work, "../foreign");
  for (const folder of [foreign, join(sandbox, "swap")]) mkdirSync(folder);
  writeFileSync(join(foreign, "file"), "foreign");
  writeFileSync(join(foreign, "other"), "foreign");
  writeFileSync(join(sandbox, "swap/file"), "own");
  symlinkSync(foreign, join(sandbox, "link"));
  const loop = `const { renameSync: r } = require("fs");
    for (;;) { r("swap", "own"); r("link", "swap"); r("swap", "link"); r("own", "swap"); }`;
  const swapping = spawn(process.execPath, ["-e", loop], { cwd: sandbox, stdio: "ignore" });
  const seen = new Set<string>();
  try {
    for (let round = 0; round < 1_500; round++) {
      const [file, listed] = [await read(`${latest}/swap/file`), await list(`${latest}/swap`)];
      seen.add(typeof file === "string" ? file : String(file[1]));
      if (typeof listed === "string") seen.add(listed);
      else for (const { path } of listed) seen.add(path.slice(latest.length));
    }
  } finally {
    const ended = new Promise((resolve) => swapping.once("close", resolve));
    swapping.kill("SIGKILL");
    await ended;
  }
  // Both sides of the exchange were met, and nothing else.
  expect([...seen].sort()).toEqual(["/swap/file", "NOT_FOUND", "own"]);
});
