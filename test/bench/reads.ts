/**
 * Reads of a big cluster's state: when their first byte comes, and how long everybody else waits
 * meanwhile.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import type * as master from "../../worker/protocol/v1/master.ts";
import { endEverything, startCluster } from "../e2e/harness.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";
import { PaperAgent } from "./paper-agent.ts";
import { RawFramework } from "./raw-framework.ts";

const AGENTS = 5_000;
const TASKS_PER_AGENT = 4;
const READERS = 4;
const READING_MS = 15_000;

const size = `${AGENTS} agents, ${AGENTS * TASKS_PER_AGENT} tasks`;
const firstByte = (name: string): Figure => ({
  name: `first byte of ${name}, ${size}`,
  unit: "ms",
  budget: { atMost: 100 },
});
/** Everything is made twice, because lengths come first; so the first byte comes halfway. */
const firstBinary = (name: string): Figure => ({
  name: `first byte of ${name} in protobuf, ${size}`,
  unit: "ms",
  budget: undefined,
});
const wholeState: Figure = { name: `the whole of /state, ${size}`, unit: "ms", budget: undefined };
const slice: Figure = {
  name: `longest of 100 slices of /state, ${size}`,
  unit: "ms",
  budget: { atMost: 3 },
};
const health: Figure = {
  name: `p99 of GET_HEALTH through the object while ${READERS} clients read /state in a loop`,
  unit: "ms",
  budget: { atMost: 25 },
};

const busy: Figure = {
  name: "for scale: longest of 100 spells of 1.5 ms of a process beside it that only looks at the clock",
  unit: "ms",
  budget: undefined,
};
const BUSY_MS = 1.5;

const DOCUMENTS = [
  "/state",
  "/state-summary",
  "/slaves",
  "/frameworks",
  "/tasks",
  "/roles",
] as const;
const CALLS = ["GET_STATE", "GET_TASKS", "GET_AGENTS", "GET_FRAMEWORKS", "GET_EXECUTORS"] as const;

export const reads: Benchmark = {
  name: "reads",
  async measure(): Promise<readonly Measured[]> {
    // The agents exist on paper only, and say nothing while this lasts.
    const env = { RIMROCK_AGENT_PING_TIMEOUT: "15mins" };
    const cluster = await startCluster({ agents: 0, env });
    try {
      await registerAgents(cluster.url);
      const framework = new RawFramework(cluster.url, 8);
      await launchTasks(framework);
      const measured = [...(await firstBytes(cluster.url)), ...(await meanwhile(cluster.url))];
      framework.close();
      return measured;
    } finally {
      await endEverything();
    }
  },
};

async function registerAgents(url: string): Promise<void> {
  const agents = Array.from({ length: AGENTS }, () => {
    return new PaperAgent(url, { cpus: TASKS_PER_AGENT, mem: 1_000 });
  });
  for (let at = 0; at < AGENTS; at += 50) {
    const some = agents.slice(at, at + 50);
    await Promise.all(some.map((agent) => agent.register({ polls: false })));
  }
}

async function launchTasks(framework: RawFramework): Promise<void> {
  await framework.subscribe(["bench"]);
  const offers = await framework.takeOffers(AGENTS);
  let next = 0;
  const launch = async (): Promise<void> => {
    for (let at = next++; at < offers.length; at = next++) {
      const [offer, agent] = [offers[at] ?? "", framework.agentOf(offers[at] ?? "")];
      const task_infos = Array.from({ length: TASKS_PER_AGENT }, (_, n) => ({
        name: `task-${at}-${n}`,
        task_id: { value: `task-${at}-${n}` },
        agent_id: { value: agent },
        resources: [
          { name: "cpus", type: "SCALAR", scalar: { value: 1 } },
          { name: "mem", type: "SCALAR", scalar: { value: 250 } },
        ] as const,
        command: { value: "sleep 1000", environment: { variables: [{ name: "A", value: "b" }] } },
        labels: { labels: [{ key: "app", value: `service-${at % 40}` }] },
      }));
      const operations = [{ type: "LAUNCH", launch: { task_infos } }] as const;
      await framework.call({
        type: "ACCEPT",
        accept: { offer_ids: [{ value: offer }], operations },
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, launch));
}

/** One reader, nobody else. */
async function firstBytes(url: string): Promise<Measured[]> {
  const measured: Measured[] = [];
  const whole: number[] = [];
  for (const path of DOCUMENTS) {
    const samples: number[] = [];
    for (let round = -1; round < 3; round++) {
      const read = await readOnce(url, { path });
      if (round >= 0) samples.push(read.firstMs);
      if (round >= 0 && path === "/state") whole.push(read.wholeMs);
    }
    measured.push({ figure: firstByte(path), samples });
  }
  for (const type of CALLS) {
    const samples: number[] = [];
    for (let round = -1; round < 3; round++) {
      const read = await readOnce(url, { path: "/api/v1", call: { type } });
      if (round >= 0) samples.push(read.firstMs);
    }
    measured.push({ figure: firstByte(type), samples });
  }
  const binary = await readOnce(url, {
    path: "/api/v1",
    call: { type: "GET_STATE" },
    accept: "application/x-protobuf",
  });
  measured.push({ figure: firstBinary("GET_STATE"), samples: [binary.firstMs] });
  return [...measured, { figure: wholeState, samples: whole }];
}

async function meanwhile(url: string): Promise<Measured[]> {
  let isOver = false;
  const readers = Array.from({ length: READERS }, async () => {
    while (!isOver) await readOnce(url, { path: "/state" });
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const tookMs: number[] = [];
  const slices: number[] = [];
  const spells: number[] = [];
  const endMs = performance.now() + READING_MS;
  while (performance.now() < endMs) {
    const call = { type: "GET_HEALTH" } as const;
    tookMs.push((await readOnce(url, { path: "/api/v1", call, agent })).wholeMs);
    if (tookMs.length % 100 === 0) slices.push(await longestSlice(url));
    await new Promise((resolve) => setTimeout(resolve, 5));
    spells.push(spell());
  }
  isOver = true;
  await Promise.all(readers);
  agent.destroy();
  return [
    { figure: health, samples: [p99(tookMs)] },
    { figure: slice, samples: slices },
    { figure: busy, samples: [p99(spells)] },
  ];
}

function p99(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

/** What it takes longer than it wants, others have taken: the machine is shared. */
function spell(): number {
  const startMs = performance.now();
  while (performance.now() - startMs < BUSY_MS);
  return performance.now() - startMs;
}

/** All but one of a hundred slices were shorter; the machine is shared, so one says nothing. */
async function longestSlice(url: string): Promise<number> {
  const metrics = (await (await fetch(`${url}/metrics/snapshot`)).json()) as Record<string, number>;
  const longest = metrics["rimrock/reads/slice_ms/p99"];
  if (longest === undefined) throw new Error("the snapshot has no rimrock/reads/slice_ms/p99");
  return longest;
}

interface Read {
  readonly firstMs: number;
  readonly wholeMs: number;
}

function readOnce(
  url: string,
  asked: {
    readonly path: string;
    readonly call?: master.Call;
    readonly accept?: string;
    readonly agent?: Agent;
  },
): Promise<Read> {
  const body = asked.call && JSON.stringify(asked.call);
  const { accept = "application/json", agent } = asked;
  const headers = { Accept: accept, "Content-Type": "application/json" };
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const answered = (answer: IncomingMessage): void => {
      if (answer.statusCode !== 200) reject(new Error(`${asked.path}: ${answer.statusCode}`));
      let firstMs: number | undefined;
      answer.on("data", () => {
        firstMs ??= performance.now() - startMs;
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const wholeMs = performance.now() - startMs;
        resolve({ firstMs: firstMs ?? wholeMs, wholeMs });
      });
    };
    const method = body === undefined ? "GET" : "POST";
    request(new URL(asked.path, url), { method, headers, ...(agent && { agent }) }, answered)
      .on("error", reject)
      .end(body);
  });
}
