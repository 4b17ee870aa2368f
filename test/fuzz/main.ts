/** `npm run fuzz`: as many hostile requests as wanted. */
import { parseArgs } from "node:util";
import { report } from "./report.ts";
import { fuzz } from "./run.ts";

const USAGE = `npm run fuzz -- [--count N] [--seed S]   N hostile requests (default 100000) of seed S
`;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
if (values.help || !Number.isInteger(count) || !Number.isInteger(seed)) {
  process.stderr.write(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.stdout.write(`seed ${seed}\n`);
  let shownMs = performance.now();
  const fuzzed = await fuzz({
    seed,
    count,
    onProgress: (requests) => {
      if (performance.now() - shownMs < 5_000) return;
      shownMs = performance.now();
      process.stdout.write(`${requests} of ${count} requests\n`);
    },
  });
  process.stdout.write(`${report(fuzzed)}\n`);
  if (fuzzed.failure !== undefined) {
    process.stdout.write(`\n${fuzzed.failure}`);
    process.exitCode = 1;
  }
}
