/**
 * What deciding costs: whole cycles of the allocator, by the names and sizes at which Mesos' own
 * was measured, on a master's real rows.
 *
 * Two columns. The first is the engine's: from the trigger to the complete list of who is given
 * what, caps and slicing off, without offer rows. The second is the master's turns until nothing
 * waits: with offer rows, Changes and messages, and what a turn may do at most (`turns.ts`).
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BenchCluster, type Shape } from "./allocator-cluster.ts";
import { turnsOf } from "./allocator-turns.ts";
import { EngineCycle } from "./engine-cycle.ts";
import { type Benchmark, type Figure, type Measured, median } from "./figure.ts";

interface Workload {
  readonly name: string;
  readonly shape: Shape;
  readonly budgetMs: number;
  readonly mesos: string;
  readonly runs: number;
  /** Makes the cluster ready; frameworks do not want offers yet. */
  readonly prepare?: (cluster: BenchCluster) => void;
  /** Makes the engine ready for the first run. */
  readonly begin?: (cycle: EngineCycle) => void;
  /** Returns what took how long, ms, and leaves everything as it was. */
  readonly run: (cycle: EngineCycle, cluster: BenchCluster) => number;
}

/** Runs that are not counted: the code that is measured is to be compiled before. */
const WARM_UP_RUNS = 3;

function offerAll(cycle: EngineCycle): number {
  const tookMs = cycle.askAll();
  cycle.takeBack({ isRefused: false });
  cycle.forgetDirt();
  return tookMs;
}

function declineAll(cycle: EngineCycle): number {
  const startMs = performance.now();
  for (cycle.askAll(); cycle.count > 0; cycle.goOn()) cycle.takeBack({ isRefused: true });
  const tookMs = performance.now() - startMs;
  cycle.forgetRefusals();
  return tookMs;
}

/** A turn in which nothing has changed must not begin a cycle. */
function passIdly(_cycle: EngineCycle, cluster: BenchCluster): number {
  cluster.apply({ type: "TIMER_DUE" });
  const startMs = performance.now();
  const hasWork = cluster.state.allocation.hasWork();
  const tookMs = performance.now() - startMs;
  if (hasWork) throw new Error("nothing has changed, and yet there is something to do");
  return Math.round(tookMs * 100) / 100;
}

function setQuotas(cluster: BenchCluster): void {
  const amount = { cpus: { value: 2 }, mem: { value: 1_024 } };
  const quota_configs = cluster
    .frameworks()
    .map(({ roles }) => ({ role: roles[0] ?? "", guarantees: amount, limits: amount }));
  const update_quota = { force: true, quota_configs };
  cluster.apply({ type: "OPERATOR_CALL", call: { type: "UPDATE_QUOTA", update_quota } });
}

const QUOTA_SHAPE = { agents: 3_000, frameworks: 3_000, roleEach: true } as const;

const workloads: readonly Workload[] = [
  ...(
    [
      [1_000, 200, 1, "11 ms"],
      [10_000, 200, 8, "157 ms"],
      [20_000, 200, 16, "348 ms"],
      [50_000, 1, 40, "847 ms"],
      [50_000, 200, 40, "974 ms, 661 MB"],
    ] as const
  ).map(([agents, frameworks, budgetMs, mesos]) => ({
    name: "all-offered",
    shape: { agents, frameworks },
    budgetMs,
    mesos,
    runs: 15,
    run: offerAll,
  })),
  {
    name: "all-offered-role-each",
    shape: { agents: 50_000, frameworks: 200, roleEach: true },
    budgetMs: 50,
    mesos: "1,795 ms, 6,277 MB",
    runs: 15,
    run: offerAll,
  },
  {
    name: "all-offered-half-used",
    shape: { agents: 50_000, frameworks: 200, halfUsed: true },
    budgetMs: 60,
    mesos: "2,760 ms, 1,325 MB",
    runs: 15,
    run: offerAll,
  },
  {
    name: "all-filtered",
    shape: { agents: 50_000, frameworks: 200 },
    budgetMs: 5,
    mesos: "18,698 ms, 3,788 MB",
    runs: 15,
    begin: (cycle) => cycle.refuseAll(),
    run: (cycle) => cycle.askAll(),
  },
  {
    name: "one-freed",
    shape: { agents: 50_000, frameworks: 200 },
    budgetMs: 0.2,
    mesos: "up to 1 s",
    runs: 200,
    begin: (cycle) => cycle.askAll(),
    run: (cycle) => cycle.freeOne(),
  },
  {
    name: "quota-first",
    shape: QUOTA_SHAPE,
    budgetMs: 300,
    mesos: "15.4 s",
    runs: 5,
    prepare: setQuotas,
    run: offerAll,
  },
  {
    name: "quota-idle",
    shape: QUOTA_SHAPE,
    budgetMs: 0,
    mesos: "13.7 s",
    runs: 5,
    prepare: (cluster) => {
      setQuotas(cluster);
      cluster.wantOffers();
      cluster.cycle();
    },
    run: passIdly,
  },
  {
    name: "decline-everything",
    shape: { agents: 10_000, frameworks: 200 },
    budgetMs: 2_000,
    mesos: "about 100 s, over 4,800 MB",
    runs: 3,
    run: declineAll,
  },
];

export const allocator: Benchmark = {
  name: "allocator",
  async measure(): Promise<readonly Measured[]> {
    const gc = collector();
    const measured = workloads.map((workload) => {
      const each = measure(workload, gc);
      // All together take minutes.
      console.error(`${each.figure.name}: ${median(each.samples).toFixed(2)} ms`);
      return each;
    });
    return [...measured, ...turnsOf(() => megabytes(gc))];
  },
};

function measure(workload: Workload, gc: () => void): Measured {
  const { name, shape, prepare, begin, run, budgetMs, mesos } = workload;
  const before = megabytes(gc);
  const cluster = new BenchCluster(shape);
  prepare?.(cluster);
  cluster.wantOffers();
  const cycle = new EngineCycle(cluster);
  begin?.(cycle);
  for (let n = 0; n < WARM_UP_RUNS; n++) run(cycle, cluster);
  gc();
  const samples = Array.from({ length: workload.runs }, () => run(cycle, cluster));
  const heapMb = megabytes(gc) - before;
  const { agents, frameworks } = shape;
  const figure: Figure = {
    name: `${name}, ${agents} agents × ${frameworks} frameworks`,
    unit: "ms",
    budget: { atMost: budgetMs },
    mesos,
  };
  const facts = { heap_mb: Math.round(heapMb) };
  return { figure, samples, workload: { name, agents, frameworks }, facts };
}

/** What the process has after a collection, array buffers included. */
function megabytes(gc: () => void): number {
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  // The function appears in contexts that are made after the flag was set.
  return runInNewContext("gc") as () => void;
}
