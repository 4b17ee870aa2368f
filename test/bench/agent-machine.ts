/**
 * What one agent does for its machine, measured at a master that costs nothing: how fast tasks
 * start and end, what the agent needs while they run, how fast it is back after a kill.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import { FakeMaster } from "../agent/shell/fake-master.ts";
import { endEverything, newFolder, startAgent, type TestProcess, until } from "../e2e/harness.ts";
import { requirement } from "../support/require.ts";
import type { Figure, Measured } from "./figure.ts";

const figures = {
  process: {
    name: "RUN_TASK received → process started (process)",
    unit: "ms",
    budget: { atMost: 5 },
  },
  cgroups: {
    name: "RUN_TASK received → process started (cgroups)",
    unit: "ms",
    budget: { atMost: 12 },
  },
  thousand: {
    name: "1,000 short tasks, cgroups, at most 100 at a time, all statuses acknowledged",
    unit: "ms",
    budget: { atMost: 15_000 },
    mesos: "about 30,000 to launch them",
  },
  resident: {
    name: "agent process, resident, with 200 running tasks",
    unit: "MB",
    budget: { atMost: 110 },
  },
  idle: {
    name: "agent process, idle with 200 running tasks, share of a core",
    unit: "%",
    budget: { atMost: 0.5 },
  },
  recovery: {
    name: "agent killed with 200 running tasks: start → all re-attached and registered",
    unit: "ms",
    budget: { atMost: 2_000 },
  },
} as const satisfies { readonly [name: string]: Figure };

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const RESOURCES = "cpus:1000;mem:100000;disk:100000;ports:[31000-32000]";

export async function onOneMachine(): Promise<readonly Measured[]> {
  const kinds = requirement("cgroups").missing ? ["process"] : ["process", "cgroups"];
  const measured: Measured[] = [];
  for (const kind of kinds) {
    const lab = await startLab(kind);
    try {
      measured.push(await starts(lab, kind === "cgroups" ? figures.cgroups : figures.process));
      if (kind === "cgroups") measured.push(await thousandTasks(lab), ...(await manyTasks(lab)));
    } finally {
      await endLab(lab);
    }
  }
  return measured;
}

interface Lab {
  readonly master: FakeMaster;
  readonly folder: string;
  readonly args: readonly string[];
  agent: TestProcess;
}

async function startLab(containerizer: string): Promise<Lab> {
  const master = await new FakeMaster().start();
  const folder = newFolder();
  const args = ["--containerizer", containerizer, "--resources", RESOURCES];
  const agent = startAgent(master.url, join(folder, "work"), args);
  await master.until("the agent registers", () => master.registrations[0], 60_000);
  return { master, folder, args, agent };
}

async function endLab({ master }: Lab): Promise<void> {
  const shutdown_framework = { framework_id: { value: "f1" } };
  const number = master.send({ type: "SHUTDOWN_FRAMEWORK", shutdown_framework });
  await master.until("tasks end", () => master.acknowledged >= number || undefined, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await endEverything();
  await master.stop();
}

/** A task opens a pipe as its first deed, so that nothing has to be looked for. */
async function starts({ master }: Lab, figure: Figure): Promise<Measured> {
  // A container has a /tmp of its own.
  const place = mkdtempSync("/var/tmp/rimrock-bench-");
  const pipe = join(place, "word");
  execFileSync("mkfifo", [pipe]);
  const samples: number[] = [];
  for (let n = 0; n < 60; n++) {
    const id = `start-${figure.name.length}-${n}`;
    // Until the agent holds its poll again and has nothing else to do.
    await new Promise((resolve) => setTimeout(resolve, 30));
    const startMs = performance.now();
    master.run(id, `: >${pipe}`);
    await openedBy(pipe);
    // The first ones compile what is hot.
    if (n >= 20) samples.push(performance.now() - startMs);
    await master.state(id, "TASK_FINISHED");
  }
  rmSync(place, { recursive: true });
  return { figure, samples };
}

/** Opening a pipe waits for its writer, in another thread than this one. */
async function openedBy(pipe: string): Promise<void> {
  const late = new Promise<never>((_resolve, reject) =>
    setTimeout(() => reject(new Error("the task does not begin")), 20_000).unref(),
  );
  const file = await Promise.race([open(pipe, "r"), late]);
  await file.close();
}

async function thousandTasks({ master }: Lab): Promise<Measured> {
  const samples: number[] = [];
  for (let round = 0; round < 3; round++) {
    const [count, atOnce] = [1_000, 100];
    const prefix = `short-${round}-`;
    const startMs = performance.now();
    let launched = 0;
    let ended = 0;
    let looked = master.updates.length;
    while (ended < count) {
      for (; looked < master.updates.length; looked++) {
        const status = master.updates[looked]?.status;
        if (status?.task_id.value.startsWith(prefix) && isTerminal(status.state)) ended++;
      }
      for (; launched < count && launched - ended < atOnce; launched++) {
        master.run(`${prefix}${launched}`, "true");
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // It has carried out everything before when it has carried out this.
    const last = master.send({ type: "RECONCILE_TASKS", reconcile_tasks: {} });
    await master.until("all is acknowledged", () => master.acknowledged >= last || undefined);
    samples.push(performance.now() - startMs);
  }
  return { figure: figures.thousand, samples };
}

async function manyTasks(lab: Lab): Promise<Measured[]> {
  const { master } = lab;
  const ids = Array.from({ length: 200 }, (_, n) => `long-${n}`);
  for (const id of ids) master.run(id, "exec sleep 600");
  for (const id of ids) await master.state(id, "TASK_RUNNING");
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const [resident, idle]: number[][] = [[], []];
  for (let n = 0; n < 4; n++) {
    const before = cpuSeconds(lab.agent.pid);
    const beforeMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const seconds = (performance.now() - beforeMs) / 1_000;
    idle?.push((100 * (cpuSeconds(lab.agent.pid) - before)) / seconds);
    resident?.push(residentMegabytes(lab.agent.pid));
  }
  const recoveries: number[] = [];
  for (let n = 0; n < 3; n++) recoveries.push(await recovery(lab));
  return [
    { figure: figures.resident, samples: resident ?? [] },
    { figure: figures.idle, samples: idle ?? [] },
    { figure: figures.recovery, samples: recoveries },
  ];
}

/** The agent registers once it has found its containers. */
async function recovery(lab: Lab): Promise<number> {
  const { master } = lab;
  process.kill(lab.agent.pid, "SIGKILL");
  await lab.agent.ended;
  const known = master.registrations.length;
  const startMs = performance.now();
  lab.agent = startAgent(master.url, join(lab.folder, "work"), lab.args);
  const registration = await master.until(
    "it registers again",
    () => master.registrations[known],
    60_000,
  );
  const tookMs = performance.now() - startMs;
  const runs = registration.tasks?.length ?? 0;
  if (runs !== 200) throw new Error(`it came back with ${runs} of 200 tasks`);
  await until(() => lab.agent.child.exitCode === null, { what: () => "the agent runs" });
  return tookMs;
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
