import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { requirement } from "../support/require.ts";
import { type Batch, startBatch } from "./batch.ts";
import {
  endEverything,
  killAndAwaitRestart,
  logsOf,
  newFolder,
  runningProcesses,
  startAgent,
  startCluster,
  until,
} from "./harness.ts";

const TASKS = 20;
const ALL_ENDED_MS = 30_000;

afterEach(endEverything);

interface Tally {
  readonly commands: ReadonlyMap<string, string>;
  /** Lets the tasks end. */
  release(): void;
  /** How often each task's command was begun, in the order of the tasks. */
  begun(): readonly number[];
}

/**
 * Commands that count their own runs, wait to be released, and then end with exit codes 0 to 19.
 */
function tally(count = TASKS): Tally {
  // Not in /tmp: tasks in cgroups have one of their own.
  const folder = newFolder("/var/tmp");
  const gate = join(folder, "gate");
  const ids = Array.from({ length: count }, (_, index) => `task-${index}`);
  const commands = ids.map((id, index): [string, string] => [
    id,
    `echo begun >> ${folder}/${id}; while [ ! -e ${gate} ]; do sleep 0.1; done; exit ${index}`,
  ]);
  return {
    commands: new Map(commands),
    release: () => writeFileSync(gate, ""),
    begun: () =>
      ids.map((id) => {
        const file = join(folder, id);
        return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
      }),
  };
}

/** None lost, none run twice, every exit code right. */
async function expectAllWell(batch: Batch, { begun }: Tally): Promise<void> {
  const last = await batch.untilAllEnded(ALL_ENDED_MS);
  const seen = [...last].map(([id, { state, message }]) => `${id} ${state} ${message}`);
  const wanted = [...last.keys()].map((id, code) => {
    const state = code === 0 ? "TASK_FINISHED" : "TASK_FAILED";
    return `${id} ${state} Command exited with status ${code}`;
  });
  expect(seen).toEqual(wanted);
  expect(begun()).toEqual(Array.from({ length: TASKS }, () => 1));
}

test.each(["control-plane", "front-door"])(
  "20 tasks on an agent started by hand survive kill -9 of the %s",
  async (name) => {
    const cluster = await startCluster({ agents: 0 });
    startAgent(cluster.url, newFolder(), ["--resources", "cpus:4;mem:1024"]);
    const tasks = tally();
    const batch = startBatch(cluster.url, tasks.commands);
    await batch.untilAllRun();
    await killAndAwaitRestart(cluster, name);
    tasks.release();
    await expectAllWell(batch, tasks);
    await batch.end();
  },
);

test("20 tasks end while the control plane is dead, and every exit code arrives later", async () => {
  const cluster = await startCluster({ agents: 0 });
  startAgent(cluster.url, newFolder(), ["--resources", "cpus:4;mem:1024"]);
  const tasks = tally();
  const batch = startBatch(cluster.url, tasks.commands);
  await batch.untilAllRun();
  const restarted = killAndAwaitRestart(cluster, "control-plane");
  tasks.release();
  await restarted;
  await expectAllWell(batch, tasks);
  await batch.end();
});

test("20 tasks survive kill -9 of their agent, which finds them when it is started again", async () => {
  const cluster = await startCluster({ agents: 0 });
  const workDir = newFolder();
  const agent = startAgent(cluster.url, workDir, ["--resources", "cpus:4;mem:1024"]);
  const tasks = tally();
  const batch = startBatch(cluster.url, tasks.commands);
  await batch.untilAllRun();
  process.kill(agent.pid, "SIGKILL");
  await agent.ended;
  startAgent(cluster.url, workDir, ["--resources", "cpus:4;mem:1024"]);
  tasks.release();
  await expectAllWell(batch, tasks);
  await batch.end();
});

test("20 tasks that end while their agent is dead keep their exit codes", async () => {
  const cluster = await startCluster({ agents: 0 });
  const workDir = newFolder();
  const agent = startAgent(cluster.url, workDir, ["--resources", "cpus:4;mem:1024"]);
  const tasks = tally();
  const batch = startBatch(cluster.url, tasks.commands);
  await batch.untilAllRun();
  process.kill(agent.pid, "SIGKILL");
  await agent.ended;
  tasks.release();
  await new Promise((resolve) => setTimeout(resolve, 500));
  startAgent(cluster.url, workDir, ["--resources", "cpus:4;mem:1024"]);
  await expectAllWell(batch, tasks);
  await batch.end();
});

test("20 tasks survive kill -9 of a local agent, which the supervisor starts again", async () => {
  const cluster = await startCluster({ agents: 1, args: ["--cpus", "4", "--mem", "1024"] });
  const tasks = tally();
  const batch = startBatch(cluster.url, tasks.commands);
  await batch.untilAllRun();
  await killAndAwaitRestart(cluster, "agent-1");
  tasks.release();
  await expectAllWell(batch, tasks);
  await batch.end();
});

/**
 * A running cluster with tasks; then its supervisor is killed, and started again on the same state.
 */
async function expectTasksEndWithSupervisor({
  alsoKill = [],
  containerizer = "process",
}: {
  alsoKill?: readonly string[];
  containerizer?: string;
}): Promise<void> {
  const args = ["--cpus", "2", "--mem", "512", "--containerizer", containerizer];
  const cluster = await startCluster({ agents: 2, args });
  const tasks = tally();
  const batch = startBatch(cluster.url, tasks.commands);
  await batch.untilAllRun();
  const left = (): readonly string[] =>
    runningProcesses([cluster.dataDir]).map(({ pid, command }) => `${pid} ${command}`);
  expect(left().length).toBeGreaterThanOrEqual(TASKS);
  const victims = alsoKill.map((name) => cluster.pidOf(name));
  for (const pid of [...victims, cluster.pid]) if (pid !== undefined) process.kill(pid, "SIGKILL");
  await until(() => left().length === 0, {
    what: () => `nothing is left running:\n${left().join("\n")}\n${logsOf(cluster.dataDir)}`,
    withinMs: 2_000,
  });
  const port = Number(new URL(cluster.url).port);
  await startCluster({ agents: 2, dataDir: cluster.dataDir, port, args });
  const last = await batch.untilAllEnded(ALL_ENDED_MS);
  for (const [id, { state, reason }] of last) {
    expect(["TASK_FAILED", "TASK_KILLED", "TASK_LOST"], id).toContain(state);
    expect(reason, id).toMatch(/^REASON_/);
  }
  expect(tasks.begun()).toEqual(Array.from({ length: TASKS }, () => 1));
  await batch.end();
}

test("kill -9 of the supervisor ends all tasks within 2 s; the next start tells why", async () => {
  await expectTasksEndWithSupervisor({});
});

test("nor is anything left when an agent and then the supervisor are killed at the same moment", async () => {
  await expectTasksEndWithSupervisor({ alsoKill: ["agent-1"] });
});

const cgroups = requirement("cgroups");

test.skipIf(cgroups.missing)(
  cgroups.title("nor in cgroups, whoever is killed with the supervisor"),
  async () => {
    await expectTasksEndWithSupervisor({ alsoKill: ["agent-2"], containerizer: "cgroups" });
  },
);
