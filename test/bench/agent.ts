/** What an agent costs its machine, and how quickly it works for it. */
import { readdirSync, readFileSync } from "node:fs";
import { endEverything, startCluster } from "../e2e/harness.ts";
import { dockerStarts } from "./agent-docker.ts";
import { onOneMachine } from "./agent-machine.ts";
import { BenchFramework } from "./bench-framework.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";

const RUNNING_TASKS = 50;

const resident: Figure = {
  name: `agent process, resident, idle with ${RUNNING_TASKS} running tasks`,
  unit: "MB",
  budget: { atMost: 90 },
  mesos: "about 40 per task executor",
};
const processes: Figure = {
  name: "processes per running task, the task itself included",
  unit: "processes",
  budget: { atMost: 2 },
};

export const agent: Benchmark = {
  name: "agent",
  async measure(): Promise<readonly Measured[]> {
    const figures: Measured[] = [];
    const cluster = await startCluster({ agents: 1 });
    try {
      const framework = new BenchFramework(cluster.url);
      const { offer } = await framework.offer(0.9);
      // `exec`: the task is one process, so that what is counted besides is the agent's.
      const infos = Array.from({ length: RUNNING_TASKS }, (_, n) => ({
        id: `idle-${n}`,
        command: "exec sleep 600",
      }));
      await framework.launch(offer, infos);
      for (const { id } of infos) await framework.reached(id, "TASK_RUNNING");
      const pid = cluster.pidOf("agent-1") ?? 0;
      const samples: number[] = [];
      for (let n = 0; n < 5; n++) {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        samples.push(residentMegabytes(pid));
      }
      const count = processesOf(cluster.dataDir) / RUNNING_TASKS;
      await framework.end();
      figures.push({ figure: resident, samples }, { figure: processes, samples: [count] });
    } finally {
      await endEverything();
    }
    return [...figures, ...(await onOneMachine()), ...(await dockerStarts())];
  },
};

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

/**
 * Processes that carry a container's mark in their environment, and those above them that watch
 * over them. Supervisors that wait for a task are not of one: the agent has two, however many tasks
 * it has.
 */
function processesOf(dataDir: string): number {
  const found = new Set<string>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    if (!read(`/proc/${name}/environ`).includes("RIMROCK_CONTAINER_ID=")) continue;
    for (let pid = name; pid !== "" && !found.has(pid); pid = parentOf(pid)) {
      const isTask = pid === name;
      const command = read(`/proc/${pid}/cmdline`);
      if (!isTask && !(command.startsWith("/bin/sh") && command.includes(dataDir))) break;
      found.add(pid);
    }
  }
  return found.size;
}

function parentOf(pid: string): string {
  return /^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "";
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
