/**
 * What is measured of the allocator's engine, by the names and sizes at which Mesos' own was. Runs
 * wherever the engine does: no Node in here.
 */
import { BenchCluster, type Shape } from "./allocator-cluster.ts";
import { EngineCycle } from "./engine-cycle.ts";

export interface Workload {
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

export const workloads: readonly Workload[] = [
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

/** A cluster on which the workload can be run, again and again. */
export function prepare({ shape, prepare: make, begin }: Workload): {
  readonly cluster: BenchCluster;
  readonly cycle: EngineCycle;
} {
  const cluster = new BenchCluster(shape);
  make?.(cluster);
  cluster.wantOffers();
  const cycle = new EngineCycle(cluster);
  begin?.(cycle);
  return { cluster, cycle };
}
