import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { endMasters, joined } from "./agent-lab.ts";
import { cleanUp } from "./agent-process.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

const TASKS = 6;

/** Of a process that runs. */
function allowDescriptors(pid: number, count: number): void {
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${count}:4096`]);
}

test("an agent out of descriptors loses no end, fails what it cannot launch, and goes on", async () => {
  const { master, agent } = await joined("--containerizer", "process");
  const pid = Number(agent.child.pid);
  master.run("before", "sleep 0.5; exit 5");
  await master.state("before", "TASK_RUNNING");
  // Those that are open stay.
  allowDescriptors(pid, 3);
  for (let at = 0; at < TASKS; at++) master.run(`t${at}`, "exit 6");
  await sleep(1_500);
  allowDescriptors(pid, 1_024);
  for (let at = 0; at < TASKS; at++) {
    expect((await master.state(`t${at}`, "TASK_FAILED")).message).toMatch(/EMFILE|status 6/);
  }
  expect((await master.state("before", "TASK_FAILED")).message).toMatch(/exited with status 5/);
  master.run("after", "true");
  await master.state("after", "TASK_FINISHED");
  expect(agent.log()).toMatch(/EMFILE/);
  expect(agent.child.exitCode).toBe(null);
});
