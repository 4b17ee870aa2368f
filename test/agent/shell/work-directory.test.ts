/** The lock of a work directory, and who else may hold its name. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  describeWorkDirectoryError,
  takeWorkDirectory,
} from "../../../agent/shell/work-directory.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "rimrock-work-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("a folder is one agent's, until that gives it back", async () => {
  const path = folder();
  const first = await takeWorkDirectory(path);
  if (!first.ok) expect.fail(describeWorkDirectoryError(first.error));
  const second = await takeWorkDirectory(path);
  expect(second).toMatchObject({ error: { code: "IN_USE", pid: String(process.pid) } });
  first.value.release();
  const third = await takeWorkDirectory(path);
  expect(third.ok).toBe(true);
  if (third.ok) third.value.release();
});

test("a task that holds the name of the lock is named as such", async () => {
  const path = folder();
  mkdirSync(join(path, "meta"), { mode: 0o700 });
  const { dev, ino } = statSync(join(path, "meta"));
  const listen = `require("net").createServer().listen("\\0rimrock-agent-${dev}-${ino}", () => console.log("up"))`;
  const task = spawn(process.execPath, ["-e", listen], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { RIMROCK_CONTAINER_ID: "c1" },
  });
  const ended = new Promise((resolve) => task.once("close", resolve));
  onTestFinished(async () => {
    task.kill("SIGKILL");
    await ended;
  });
  await new Promise((resolve) => task.stdout.once("data", resolve));
  const taken = await takeWorkDirectory(path);
  if (taken.ok) expect.fail("the name is taken");
  expect(taken.error).toEqual({ code: "NAME_TAKEN", path, holder: String(task.pid) });
  expect(describeWorkDirectoryError(taken.error)).toContain(
    `process ${task.pid}, which is no agent`,
  );
});
