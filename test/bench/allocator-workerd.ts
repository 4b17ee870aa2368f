/**
 * The first column of the allocator's figures in workerd: several cycles in one request, whose time
 * is taken from outside and divided, less that of a request that does nothing.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Miniflare } from "miniflare";
import { type Workload, workloads } from "./allocator-workloads.ts";
import { type Benchmark, type Measured, median } from "./figure.ts";

const SAMPLES = 5;
/** A request of so much work does not drown in its own overhead. */
const REQUEST_MS = 200;

export const allocatorInWorkerd: Benchmark = {
  name: "allocator-workerd",
  async measure(): Promise<readonly Measured[]> {
    const script = await bundle();
    const measured: Measured[] = [];
    for (const [at, workload] of workloads.entries()) {
      const each = await inWorkerd(script, at, workload);
      console.error(`${each.figure.name}: ${median(each.samples).toFixed(2)} ms`);
      measured.push(each);
    }
    return measured;
  },
};

async function bundle(): Promise<string> {
  const entry = fileURLToPath(new URL("../../test/bench/engine-worker.ts", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

/** A workerd of its own: what is left of another workload would be collected during this one. */
async function inWorkerd(script: string, at: number, workload: Workload): Promise<Measured> {
  // By a name that is not known when this is bundled: it has to be loaded as it is installed.
  const installed = "miniflare";
  const { Miniflare: Workerd } = (await import(installed)) as typeof import("miniflare");
  const workerd = new Workerd({
    modules: true,
    script,
    compatibilityDate: "2025-01-01",
    compatibilityFlags: ["nodejs_compat"],
  });
  try {
    await ask(workerd, `/prepare?at=${at}`);
    const onceMs = Math.max(await ask(workerd, "/run?runs=3"), 1) / 3;
    const runs = Math.min(200, Math.max(1, Math.round(REQUEST_MS / onceMs)));
    const samples: number[] = [];
    for (let n = 0; n < SAMPLES; n++) {
      const idleMs = await ask(workerd, "/run?runs=0");
      samples.push(Math.max(0, (await ask(workerd, `/run?runs=${runs}`)) - idleMs) / runs);
    }
    return measuredOf(workload, samples);
  } finally {
    await workerd.dispose();
  }
}

/** How long the answer took, ms. */
async function ask(workerd: Miniflare, path: string): Promise<number> {
  const startMs = performance.now();
  const response = await workerd.dispatchFetch(`http://localhost${path}`);
  await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return performance.now() - startMs;
}

function measuredOf(workload: Workload, samples: readonly number[]): Measured {
  const { name, shape, budgetMs, mesos } = workload;
  const { agents, frameworks } = shape;
  return {
    figure: {
      name: `in workerd: ${name}, ${agents} agents × ${frameworks} frameworks`,
      unit: "ms",
      budget: { atMost: budgetMs },
      mesos,
    },
    samples,
    workload: { name: `${name}:workerd`, agents, frameworks },
  };
}
