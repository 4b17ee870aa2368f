import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { beforeStart, endMasters } from "./agent-lab.ts";
import { type AgentProcess, cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";
import type { FakeMaster } from "./fake-master.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

const HOUR_MS = 3_600_000;
const seconds = (value: number) => ({ nanoseconds: BigInt(value) * 1_000_000_000n });

/** An agent whose wall clock can be set, by a module that it loads before its own. */
async function agentWithClock(args: readonly string[]) {
  const folder = temporaryDirectory();
  const offset = join(folder, "offset");
  const shim = join(folder, "clock.mjs");
  writeFileSync(
    shim,
    `import { readFileSync } from "node:fs";
    const Real = Date;
    const now = () => Real.now() + Number(readFileSync(${JSON.stringify(offset)}, "utf8"));
    globalThis.Date = class extends Real {
      constructor(...words) { super(...(words.length === 0 ? [now()] : words)); }
      static now() { return now(); }
    };`,
  );
  const set = (ms: number): void => writeFileSync(offset, String(ms));
  set(0);
  const start = (): Promise<AgentProcess> =>
    startAgent(args, { nodeArguments: ["--import", shim] });
  return { set, start };
}

function kill(master: FakeMaster, taskId: string, run_number: bigint): void {
  const ids = { framework_id: { value: "f1" }, task_id: { value: taskId } };
  master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number } });
}

test.each([1, -1])(
  "a clock that jumps by %i h ends no grace and no task early or late, nor does a restart after it",
  async (hours) => {
    const { master, workDirectory, args } = await beforeStart(
      "--containerizer",
      "process",
      "--gc-delay",
      "10mins",
    );
    const { set, start } = await agentWithClock(args);
    const agent = await start();
    const folder = temporaryDirectory();
    const marks = { polite: join(folder, "polite"), restarted: join(folder, "restarted") };
    const untilTold = (mark: string): string =>
      `trap 'sleep 1; touch ${mark}; exit 0' TERM; while :; do sleep 0.1; done`;
    const grace = (value: number) => ({ kill_policy: { grace_period: seconds(value) } });
    master.run("limited", "exec sleep 1000", { max_completion_time: seconds(600) });
    const polite = master.run("polite", untilTold(marks.polite), grace(60));
    const restarted = master.run("restarted", untilTold(marks.restarted), grace(60));
    const stubborn = master.run("stubborn", "trap '' TERM; while :; do sleep 0.1; done", grace(2));
    for (const task of ["limited", "polite", "stubborn", "restarted"]) {
      await master.state(task, "TASK_RUNNING");
    }
    kill(master, "polite", polite);
    kill(master, "stubborn", stubborn);
    await master.until("they are being killed", () => master.acknowledged >= 6n || undefined);
    set(hours * HOUR_MS);
    master.run("first", "true");
    const told = await master.state("first", "TASK_FINISHED");
    const wallMs = Date.now() + hours * HOUR_MS;
    expect(Math.abs((told.timestamp ?? 0) * 1_000 - wallMs)).toBeLessThan(60_000);
    await master.state("polite", "TASK_KILLED");
    expect(existsSync(marks.polite)).toBe(true);
    await master.state("stubborn", "TASK_KILLED");

    kill(master, "restarted", restarted);
    await master.until("it is being killed", () => master.acknowledged >= 8n || undefined);
    agent.child.kill("SIGKILL");
    await agent.ended;
    set(2 * hours * HOUR_MS);
    await start();
    await master.state("restarted", "TASK_KILLED");
    expect(existsSync(marks.restarted)).toBe(true);
    master.run("second", "true");
    await master.state("second", "TASK_FINISHED");
    expect(master.statesOf("limited")).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
    const sandbox = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/first/runs/latest");
    expect(existsSync(sandbox)).toBe(true);
  },
);
