/**
 * Processes that stand still for longer than a master waits for an agent (75 s), as they do on a
 * machine that is suspended. It takes some minutes: only with RIMROCK_SLOW=1.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { defined } from "../../worker/std/assert.ts";
import { startBatch } from "./batch.ts";
import { endEverything, newFolder, startAgent, startCluster, until } from "./harness.ts";

const isSlow = process.env.RIMROCK_SLOW !== undefined;
const why = isSlow ? "" : " (skipped: it takes minutes; set RIMROCK_SLOW=1)";
const SUSPENDED_MS = 90_000;
const TIMEOUT_MS = 400_000;

afterEach(endEverything);

async function suspend(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await sleep(SUSPENDED_MS);
  process.kill(pid, "SIGCONT");
}

/** Two tasks that count their runs: one ends when it is let, the other goes on. */
async function twoTasks(url: string) {
  const folder = newFolder("/var/tmp");
  const gate = join(folder, "gate");
  const ran = (id: string): string => `echo ${id} >> ${folder}/ran`;
  const waits = `while [ ! -e ${gate} ]; do sleep 0.1; done`;
  const commands = new Map([
    ["ends", `${ran("ends")}; ${waits}; exit 3`],
    ["stays", `${ran("stays")}; ${waits}; sleep 1000`],
  ]);
  const batch = startBatch(url, commands, [{ type: "PARTITION_AWARE" }]);
  await batch.untilAllRun();
  const statesOf = (id: string): readonly mesos.TaskState[] =>
    (batch.updates.get(id) ?? [])
      .filter(({ uuid }) => uuid !== undefined)
      .map(({ state }) => state);
  const runs = (): string =>
    existsSync(`${folder}/ran`) ? readFileSync(`${folder}/ran`, "utf8") : "";
  return { batch, statesOf, runs, letEnd: () => writeFileSync(gate, "") };
}

test.skipIf(!isSlow)(
  `tasks of an agent that stood still are unreachable, then there again; what ended meanwhile is told once${why}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const cluster = await startCluster({ agents: 0 });
    const agent = startAgent(cluster.url, newFolder(), ["--resources", "cpus:4;mem:1024"]);
    const { batch, statesOf, runs, letEnd } = await twoTasks(cluster.url);
    const standing = suspend(defined(agent.child.pid, "the agent runs"));
    letEnd();
    await until(() => batch.updates.get("ends")?.at(-1)?.state === "TASK_UNREACHABLE", {
      what: () => `it is unreachable: ${statesOf("ends")}`,
      withinMs: SUSPENDED_MS,
    });
    await standing;
    const ended = (await batch.untilEnded("ends", 30_000)).message;
    expect(ended).toBe("Command exited with status 3");
    await until(() => batch.updates.get("stays")?.at(-1)?.state === "TASK_RUNNING", {
      what: () => `it runs: ${batch.updates.get("stays")?.map(({ state }) => state)}`,
      withinMs: 30_000,
    });
    expect(statesOf("ends").filter((state) => state === "TASK_FAILED")).toHaveLength(1);
    expect(runs().trim().split("\n").toSorted()).toEqual(["ends", "stays"]);
    await batch.end();
  },
);

test.skipIf(!isSlow)(
  `a control plane that stood still finds its agents and tasks as they are${why}`,
  { timeout: TIMEOUT_MS },
  async () => {
    const cluster = await startCluster({ agents: 0 });
    startAgent(cluster.url, newFolder(), ["--resources", "cpus:4;mem:1024"]);
    const { batch, statesOf, runs, letEnd } = await twoTasks(cluster.url);
    const standing = suspend(defined(cluster.pidOf("control-plane"), "the control plane runs"));
    letEnd();
    await standing;
    const ended = await batch.untilEnded("ends", 60_000);
    expect(ended.message).toBe("Command exited with status 3");
    await until(() => batch.updates.get("stays")?.at(-1)?.state === "TASK_RUNNING", {
      what: () => `it runs: ${batch.updates.get("stays")?.map(({ state }) => state)}`,
      withinMs: 30_000,
    });
    expect(statesOf("ends").filter((state) => state === "TASK_FAILED")).toHaveLength(1);
    expect(runs().trim().split("\n").toSorted()).toEqual(["ends", "stays"]);
    await batch.end();
  },
);
