/** What an agent's starter left open is none of its tasks' business. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { beforeStart, endMasters } from "./agent-lab.ts";
import { cleanUp } from "./agent-process.ts";

afterAll(async () => {
  await endMasters();
  await cleanUp();
});

test("a lock that is held around an agent is not held by its tasks", async () => {
  const { master, workDirectory, args, bundle } = await beforeStart();
  // As flock(1) and build servers leave files open; up to the first gap Node sees to it itself.
  const script = 'exec 240<"$1"; shift; exec "$@"';
  const words = ["-c", script, "bash", bundle, process.execPath, bundle, ...args];
  const agent = spawn("bash", words, { stdio: "ignore" });
  const ended = new Promise((resolve) => agent.once("close", resolve));
  onTestFinished(async () => {
    agent.kill("SIGKILL");
    await ended;
  });
  master.run("t1", "exec ls /proc/self/fd");
  await master.state("t1", "TASK_FINISHED");
  const path = "slaves/test-S0/frameworks/f1/executors/t1/runs/latest/stdout";
  // The last one is ls' own.
  expect(readFileSync(join(workDirectory, path), "utf8")).toBe("0\n1\n2\n3\n");
  const open = readdirSync(`/proc/${agent.pid}/fd`).map((name) => linkOf(agent.pid, name));
  expect(open).not.toContain(bundle);
});

function linkOf(pid: number | undefined, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    // Closed meanwhile.
    return "";
  }
}
