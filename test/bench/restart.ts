/**
 * The control plane is killed with the state of 1,000 running tasks; and what a task's life writes.
 */
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { endEverything, startCluster, type TestCluster, until } from "../e2e/harness.ts";
import { BenchFramework } from "./bench-framework.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";
import { PaperAgent } from "./paper-agent.ts";

const RUNNING_TASKS = 1_000;

const toFirstAnswer: Figure = {
  name: `control plane killed with ${RUNNING_TASKS} running tasks → first call answered`,
  unit: "ms",
  budget: { atMost: 1_000 },
  mesos: "4,000–8,000 in the paper",
};
const rows: Figure = {
  name: "rows written per task life",
  unit: "rows",
  budget: { atMost: 10 },
};

export const restart: Benchmark = {
  name: "restart",
  async measure(): Promise<readonly Measured[]> {
    const cluster = await startCluster({ agents: 0 });
    const agent = new PaperAgent(cluster.url, { cpus: 100, mem: 100_000 });
    try {
      await agent.register();
      const framework = new BenchFramework(cluster.url);
      const perTask = await rowsPerTask(cluster, framework);
      await fill(framework);
      const samples: number[] = [];
      for (let round = 0; round < 5; round++) samples.push(await killAndCall(cluster));
      return [
        { figure: toFirstAnswer, samples },
        { figure: rows, samples: perTask },
      ];
    } finally {
      agent.stop();
      await endEverything();
    }
  },
};

/** Tasks that start and end, one at a time; the agent is on paper, so their lives are all alike. */
async function rowsPerTask(cluster: TestCluster, framework: BenchFramework): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < 4; round++) {
    const before = await rowsWritten(cluster);
    for (let n = 0; n < 25; n++) {
      const { offer } = await framework.offer(1);
      const id = `life-${round}-${n}`;
      await framework.launch(offer, [{ id, command: "end" }]);
      await framework.reached(id, "TASK_FINISHED");
    }
    // The first round pays for blocks of numbers and the like.
    if (round > 0) samples.push(((await rowsWritten(cluster)) - before) / 25);
  }
  return samples;
}

async function rowsWritten(cluster: TestCluster): Promise<number> {
  const response = await fetch(`${cluster.url}/metrics/snapshot`);
  const metrics = (await response.json()) as Record<string, number>;
  const written = metrics["rimrock/store/rows_written"];
  if (written === undefined) throw new Error("the snapshot has no rimrock/store/rows_written");
  return written;
}

async function fill(framework: BenchFramework): Promise<void> {
  for (let from = 0; from < RUNNING_TASKS; from += 250) {
    const { offer } = await framework.offer(5);
    const infos = Array.from({ length: 250 }, (_, n) => ({
      id: `run-${from + n}`,
      command: "run",
    }));
    await framework.launch(offer, infos);
    for (const { id } of infos) await framework.reached(id, "TASK_RUNNING");
  }
}

/** kill -9 of the process that holds the objects, then a call that needs the master's state. */
async function killAndCall(cluster: TestCluster): Promise<number> {
  const name = "control-plane";
  const pid = await until(() => cluster.pidOf(name), { what: () => `${name} runs` });
  process.kill(pid, "SIGKILL");
  const startMs = performance.now();
  const body = encodeJson("mesos.v1.master.Call", { type: "GET_HEALTH" });
  await until(() => answers(cluster.url, body), { what: () => "the master answers" });
  const tookMs = performance.now() - startMs;
  await until(() => cluster.pidOf(name) !== undefined, { what: () => `${name} is listed again` });
  return tookMs;
}

async function answers(url: string, body: string): Promise<boolean> {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  try {
    const response = await fetch(`${url}/api/v1`, { method: "POST", headers, body });
    const health = (await response.json()) as { get_health?: { healthy: boolean } };
    return response.status === 200 && health.get_health?.healthy === true;
  } catch {
    return false;
  }
}
