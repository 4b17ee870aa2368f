/** `npm run sim`: many seeds, or one of them in detail. */
import { type FaultKind, faultKinds, optionsOf } from "./options.ts";
import { failureText } from "./report.ts";
import { shrink } from "./shrink.ts";
import { simulate, simulateSeed } from "./simulate.ts";
import { traceText } from "./world.ts";

const USAGE = `npm run sim -- [--seeds N] [--from S] [--long]       run N seeds from S on (default 1000 from 1)
npm run sim -- --seed N [--trace] [--long]           run one seed; --trace prints every line of it
               [--without fault,fault] [--restarts]  leave faults out; the run with restarts only
Faults: ${faultKinds.join(" ")}
`;

interface Arguments {
  seeds: number;
  from: number;
  long: boolean;
  trace: boolean;
  restarts: boolean;
  without: FaultKind[];
}

process.exitCode = main(process.argv.slice(2));

function main(words: readonly string[]): number {
  const args = parse(words);
  if (args === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  return args.trace ? traceOne(args) : runAll(args);
}

function parse(words: readonly string[]): Arguments | undefined {
  const args: Arguments = {
    seeds: 1_000,
    from: 1,
    long: false,
    trace: false,
    restarts: false,
    without: [],
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === "--long") args.long = true;
    else if (word === "--trace") args.trace = true;
    else if (word === "--restarts") args.restarts = true;
    else if (word === "--without") {
      const named = (words[++at] ?? "").split(",");
      args.without = faultKinds.filter((kind) => named.includes(kind));
      if (args.without.length !== named.length) return undefined;
    } else {
      const value = Number(words[++at]);
      if (!Number.isInteger(value)) return undefined;
      if (word === "--seeds") args.seeds = value;
      else if (word === "--from") args.from = value;
      else if (word === "--seed") Object.assign(args, { from: value, seeds: 1 });
      else return undefined;
    }
  }
  return args;
}

function traceOne({ from, long, without, restarts }: Arguments): number {
  const options = { ...optionsOf(from, { long }, without), restartAlways: restarts };
  const onTrace = (line: Parameters<typeof traceText>[0]): void => {
    process.stdout.write(`${traceText(line)}\n`);
  };
  const simulated = simulate(options, { checked: true, onTrace });
  if (simulated.ok) {
    process.stdout.write(`seed ${from}: in order, audit ${simulated.value.digest}\n`);
    return 0;
  }
  const trace: string[] = [];
  process.stdout.write(failureText({ ...simulated.failure, trace }, { long, without }));
  return 1;
}

function runAll({ seeds, from, long, without }: Arguments): number {
  const startMs = performance.now();
  let turns = 0;
  let runs = 0;
  let unreachable = 0;
  let slowestQuietMs = 0;
  let shownMs = startMs;
  for (let seed = from; seed < from + seeds; seed++) {
    const simulated = simulateSeed(optionsOf(seed, { long }, without));
    if (!simulated.ok) {
      const smaller = shrink(simulated.failure, { long, without });
      process.stdout.write(failureText(smaller.failure, { long, without: smaller.without }));
      process.stdout.write(`failed at seed ${seed}, after ${seed - from} seeds in order\n`);
      return 1;
    }
    turns += simulated.value.turns;
    runs += simulated.value.runs;
    unreachable += simulated.value.unreachable;
    slowestQuietMs = Math.max(slowestQuietMs, simulated.value.quietAfterMs);
    const nowMs = performance.now();
    if (nowMs - shownMs > 5_000) {
      shownMs = nowMs;
      const done = seed - from + 1;
      process.stdout.write(`${done} of ${seeds} seeds, ${perSeed(startMs, done)} ms each\n`);
    }
  }
  process.stdout.write(
    `${seeds} seeds from ${from} in order: ${turns} turns of the master, ${runs} runs of tasks, ` +
      `${unreachable} times an agent became unreachable, ` +
      `quiet after ${slowestQuietMs / 1_000} s at the latest, ${perSeed(startMs, seeds)} ms a seed\n`,
  );
  return 0;
}

function perSeed(startMs: number, seeds: number): string {
  return ((performance.now() - startMs) / seeds).toFixed(1);
}
