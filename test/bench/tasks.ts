/**
 * What a framework feels: from ACCEPT to TASK_RUNNING, from a task's end to the next offer, tasks a
 * second.
 */
import { endEverything, startCluster } from "../e2e/harness.ts";
import { BenchFramework } from "./bench-framework.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";

const toRunning: Figure = {
  name: "ACCEPT sent → TASK_RUNNING received (true, process, through the front door)",
  unit: "ms",
  budget: { atMost: 20 },
  mesos: "54",
};
const toOffer: Figure = {
  name: "task finished → its resources offered again",
  unit: "ms",
  budget: { atMost: 10 },
  mesos: "853",
};
const inSequence: Figure = {
  name: "tasks one after the other, one framework, one agent",
  unit: "tasks/s",
  budget: { atLeast: 25 },
  mesos: "1.1",
};
const burst: Figure = {
  name: "ACCEPT of 20 tasks → all TASK_RUNNING, one agent",
  unit: "ms",
  budget: { atMost: 150 },
  mesos: "779",
};

export const tasks: Benchmark = {
  name: "tasks",
  async measure(): Promise<readonly Measured[]> {
    const cluster = await startCluster({ agents: 1 });
    try {
      const framework = new BenchFramework(cluster.url);
      const sequence = await oneAfterTheOther(framework);
      const bursts = await inBursts(framework);
      await framework.end();
      return [...sequence, { figure: burst, samples: bursts }];
    } finally {
      await endEverything();
    }
  },
};

/** Each task is launched on the offer that the end of the one before brought. */
async function oneAfterTheOther(framework: BenchFramework): Promise<Measured[]> {
  const [running, offered, perSecond]: number[][] = [[], [], []];
  // Four processes have to compile what is hot: their first hundred tasks are not what they will
  // do.
  const [warmUp, rounds, perRound] = [100, 8, 10];
  let { offer } = await framework.offer(0.01);
  let roundStartMs = performance.now();
  for (let n = 0; n < warmUp + rounds * perRound; n++) {
    const id = `seq-${n}`;
    const acceptMs = performance.now();
    await framework.launch(offer, [{ id, command: "true" }]);
    const runningMs = await framework.reached(id, "TASK_RUNNING");
    const finishedMs = await framework.reached(id, "TASK_FINISHED");
    const next = await framework.offer(0.01);
    offer = next.offer;
    if (n >= warmUp) {
      running?.push(runningMs - acceptMs);
      // The offer may come before the update that tells of the end: then it cost nothing.
      offered?.push(Math.max(0, next.atMs - finishedMs));
      if ((n - warmUp + 1) % perRound === 0) {
        perSecond?.push((perRound * 1_000) / (performance.now() - roundStartMs));
      }
    }
    if ((n - warmUp + 1) % perRound === 0) roundStartMs = performance.now();
  }
  await framework.launch(offer, []);
  return [
    { figure: toRunning, samples: running ?? [] },
    { figure: toOffer, samples: offered ?? [] },
    { figure: inSequence, samples: perSecond ?? [] },
  ];
}

async function inBursts(framework: BenchFramework): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < 14; round++) {
    const { offer } = await framework.offer(0.9);
    const infos = Array.from({ length: 20 }, (_, n) => ({
      id: `burst-${round}-${n}`,
      command: "sleep 0.3",
    }));
    const acceptMs = performance.now();
    await framework.launch(offer, infos);
    const times = await Promise.all(infos.map(({ id }) => framework.reached(id, "TASK_RUNNING")));
    if (round > 3) samples.push(Math.max(...times) - acceptMs);
    await Promise.all(infos.map(({ id }) => framework.reached(id, "TASK_FINISHED")));
  }
  return samples;
}
