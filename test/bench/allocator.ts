/**
 * What deciding costs: whole cycles of the allocator, by the names and sizes at which Mesos' own
 * was measured. A figure that would not fit in memory is measured smaller, and then has no budget.
 *
 * The turns of a cycle include offer rows, their Changes and the messages: the allocator decides
 * and offers in one go.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BenchCluster, type Cycle, type Shape } from "./allocator-cluster.ts";
import { type Benchmark, type Figure, type Measured, median } from "./figure.ts";

interface Workload {
  readonly name: string;
  readonly shape: Shape;
  readonly budgetMs?: number;
  readonly mesos?: string;
  readonly runs: number;
  /** Makes the cluster ready for the first run; then each run is timed. */
  readonly prepare: (cluster: BenchCluster) => void;
  readonly run: (cluster: BenchCluster) => Cycle;
}

const offerAll = {
  prepare: (cluster: BenchCluster) => cluster.wantOffers(),
  run: (cluster: BenchCluster): Cycle => {
    cluster.endOffers();
    return cluster.cycle();
  },
};

const filtered = {
  prepare: (cluster: BenchCluster) => {
    cluster.filterEverything();
    cluster.wantOffers();
    cluster.cycle();
  },
  run: askForAll,
};

const quota = {
  prepare: (cluster: BenchCluster) => {
    const amount = { cpus: { value: 2 }, mem: { value: 1_024 } };
    const quota_configs = cluster
      .frameworks()
      .map(({ roles }) => ({ role: roles[0] ?? "", guarantees: amount, limits: amount }));
    const update_quota = { force: true, quota_configs };
    cluster.apply({ type: "OPERATOR_CALL", call: { type: "UPDATE_QUOTA", update_quota } });
    cluster.wantOffers();
  },
};

function askForAll(cluster: BenchCluster): Cycle {
  const [first] = cluster.frameworks();
  if (first !== undefined) cluster.state.allocation.wants(first.id);
  return cluster.cycle();
}

function freeOne(cluster: BenchCluster): Cycle {
  const { offer } = cluster.state.tables;
  const [first] = offer.values();
  if (first !== undefined) offer.delete(first.id);
  return cluster.cycle();
}

/** Everybody declines all that he is offered for a year, until nobody is offered anything. */
function declineAll(cluster: BenchCluster): Cycle {
  const { index } = cluster.state;
  const startMs = performance.now();
  let [turns, isOffered] = [0, true];
  while (isOffered) {
    isOffered = false;
    for (const { id, connection } of cluster.frameworks()) {
      const offer_ids = index.offersOfFramework(id).map((offer) => ({ value: offer.id }));
      if (offer_ids.length === 0 || connection.state !== "CONNECTED") continue;
      isOffered = true;
      const decline = { offer_ids, filters: { refuse_seconds: 31_536_000 } };
      const call = { type: "DECLINE", framework_id: { value: id }, decline } as const;
      cluster.apply({ type: "SCHEDULER_CALL", streamId: connection.streamId, call });
      turns += 1 + cluster.cycle().turns;
    }
  }
  return { totalMs: performance.now() - startMs, turns, longestTurnMs: Number.NaN };
}

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
    ...offerAll,
    name: "all-offered",
    shape: { agents, frameworks },
    budgetMs,
    mesos,
    runs: agents > 10_000 ? 3 : 5,
  })),
  {
    ...offerAll,
    name: "all-offered-role-each",
    shape: { agents: 50_000, frameworks: 200, roleEach: true },
    budgetMs: 50,
    mesos: "1,795 ms, 6,277 MB",
    runs: 3,
  },
  {
    ...offerAll,
    name: "all-offered-half-used",
    shape: { agents: 50_000, frameworks: 200, halfUsed: true },
    budgetMs: 60,
    mesos: "2,760 ms, 1,325 MB",
    runs: 3,
  },
  // At 50,000 × 200 there would be ten million rows.
  { ...filtered, name: "all-filtered", shape: { agents: 2_000, frameworks: 50 }, runs: 3 },
  {
    name: "one-freed",
    shape: { agents: 50_000, frameworks: 200 },
    budgetMs: 0.2,
    mesos: "up to 1 s",
    runs: 200,
    prepare: (cluster) => {
      cluster.wantOffers();
      cluster.cycle();
      for (let n = 0; n < 100; n++) freeOne(cluster);
    },
    run: freeOne,
  },
  {
    ...quota,
    name: "quota-first",
    shape: { agents: 3_000, frameworks: 3_000, roleEach: true },
    budgetMs: 300,
    mesos: "15.4 s",
    runs: 1,
    run: (cluster) => cluster.cycle(),
  },
  {
    name: "quota-idle",
    shape: { agents: 3_000, frameworks: 3_000, roleEach: true },
    mesos: "13.7 s",
    runs: 1,
    prepare: (cluster) => {
      quota.prepare(cluster);
      cluster.cycle();
    },
    run: askForAll,
  },
  // At 10,000 × 200 there would be two million rows.
  {
    name: "decline-everything",
    shape: { agents: 1_000, frameworks: 50 },
    runs: 1,
    prepare: (cluster) => {
      cluster.wantOffers();
      cluster.cycle();
    },
    run: declineAll,
  },
];

export const allocator: Benchmark = {
  name: "allocator",
  async measure(): Promise<readonly Measured[]> {
    const gc = collector();
    return workloads.map((workload) => {
      const measured = measure(workload, gc);
      // All together take minutes.
      console.error(`${measured.figure.name}: ${median(measured.samples).toFixed(1)} ms`);
      return measured;
    });
  },
};

function measure({ name, shape, prepare, run, ...rest }: Workload, gc: () => void): Measured {
  const before = megabytes(gc);
  const cluster = new BenchCluster(shape);
  prepare(cluster);
  const cycles = Array.from({ length: rest.runs }, () => run(cluster));
  const heapMb = megabytes(gc) - before;
  const figure: Figure = {
    name: `${name}, ${shape.agents} agents × ${shape.frameworks} frameworks`,
    unit: "ms",
    budget: rest.budgetMs === undefined ? undefined : { atMost: rest.budgetMs },
    ...(rest.mesos !== undefined && { mesos: rest.mesos }),
  };
  const { agents, frameworks } = shape;
  const longest = cycles
    .map(({ longestTurnMs }) => longestTurnMs)
    .filter((ms) => !Number.isNaN(ms));
  return {
    figure,
    samples: cycles.map(({ totalMs }) => totalMs),
    workload: { name, agents, frameworks },
    facts: {
      heap_mb: Math.round(heapMb),
      turns: cycles[0]?.turns ?? 0,
      ...(longest.length > 0 && { longest_turn_ms: Math.max(...longest) }),
    },
  };
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
