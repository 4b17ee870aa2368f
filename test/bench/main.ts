/**
 * `npm run bench [-- NAME …] [--json]`: measures, prints figures with their budgets, exits 1 when
 * one is not kept.
 */
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { agent } from "./agent.ts";
import { allocator } from "./allocator.ts";
import { allocatorInWorkerd } from "./allocator-workerd.ts";
import { codec } from "./codec.ts";
import { declines } from "./decline.ts";
import { type Benchmark, budgetText, keepsBudget, type Measured, median } from "./figure.ts";
import { memory } from "./memory.ts";
import { offers } from "./offers.ts";
import { reads } from "./reads.ts";
import { restart } from "./restart.ts";
import { tasks } from "./tasks.ts";
import { why } from "./why.ts";

const benchmarks: readonly Benchmark[] = [
  codec,
  offers,
  allocator,
  allocatorInWorkerd,
  memory,
  tasks,
  agent,
  restart,
  declines,
  reads,
  why,
];

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !benchmarks.some((each) => each.name === name));
if (values.help || unknown !== undefined) {
  const names = benchmarks.map(({ name }) => name).join(" | ");
  if (unknown !== undefined) console.error(`no benchmark is called '${unknown}'`);
  console.log(`npm run bench -- [${names}] [--json]`);
  process.exit(values.help ? 0 : 2);
}

const measured: Measured[] = [];
for (const benchmark of benchmarks) {
  if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
  if (!values.json) console.error(`measuring ${benchmark.name} …`);
  measured.push(...(await benchmark.measure()));
}
if (values.json) printJson(measured);
else print(measured);
process.exit(measured.every(keepsBudget) ? 0 : 1);

/** Figures of a workload one line each, the others as one list. */
function printJson(all: readonly Measured[]): void {
  for (const { workload, samples, facts } of all) {
    if (workload === undefined) continue;
    const times = { median_ms: median(samples), min_ms: Math.min(...samples) };
    console.log(JSON.stringify({ ...workload, ...times, runs: samples.length, ...facts }));
  }
  const others = all.filter(({ workload }) => workload === undefined);
  if (others.length > 0) console.log(JSON.stringify(others.map(summary), null, 2));
}

function summary(each: Measured): Record<string, unknown> {
  const { figure, samples } = each;
  const [min, max] = [Math.min(...samples), Math.max(...samples)];
  return {
    ...figure,
    median: median(samples),
    min,
    max,
    runs: samples.length,
    kept: keepsBudget(each),
  };
}

function print(all: readonly Measured[]): void {
  const [first] = cpus();
  console.log(
    `${cpus().length} × ${first?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GB, node ${process.version}`,
  );
  console.log("median [min … max], runs; budget; Mesos 1.12");
  for (const each of all) {
    const { figure, samples } = each;
    const range = `[${text(Math.min(...samples))} … ${text(Math.max(...samples))}], ${samples.length}`;
    const mark = keepsBudget(each) ? "ok  " : "OVER";
    const scale = figure.mesos === undefined ? "" : `; Mesos ${figure.mesos}`;
    console.log(`${mark} ${figure.name}`);
    console.log(
      `       ${text(median(samples))} ${figure.unit} ${range}; ${budgetText(figure)}${scale}`,
    );
    const facts = Object.entries(each.facts ?? {}).map(([name, fact]) => `${name} ${text(fact)}`);
    if (facts.length > 0) console.log(`       ${facts.join(", ")}`);
  }
}

function text(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
