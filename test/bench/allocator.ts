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
import { turnsOf } from "./allocator-turns.ts";
import { prepare, type Workload, workloads } from "./allocator-workloads.ts";
import { type Benchmark, type Figure, type Measured, median } from "./figure.ts";

/** Runs that are not counted, as many as take so long: the code is to be compiled before. */
const WARM_UP_RUNS = 3;
const WARM_UP_MS = 300;

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
  const { name, shape, run, budgetMs, mesos } = workload;
  const before = megabytes(gc);
  const { cluster, cycle } = prepare(workload);
  const warmMs = performance.now() + WARM_UP_MS;
  for (let n = 0; n < WARM_UP_RUNS || performance.now() < warmMs; n++) run(cycle, cluster);
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
