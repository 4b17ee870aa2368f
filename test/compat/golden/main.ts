/**
 * `npm run golden -- FOLDER [--only GLOB] [--verbose] [--summary]`: replays the recordings in
 * FOLDER against fresh clusters, one for each recorded master, and says what differs.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { endEverything, ROOT } from "../../e2e/harness.ts";
import { globPattern, planReplays } from "./order.ts";
import { readRecordings } from "./recording.ts";
import { type Outcome, Replayer } from "./replay.ts";

const USAGE =
  "npm run golden -- FOLDER [--only GLOB] [--verbose] [--summary]\n" +
  "  --only     recordings by name, like 'A_*,B_*'; what their cluster lived through before is replayed too\n" +
  "  --verbose  every difference of a recording, not only the first; what the replay does besides\n" +
  "  --summary  failures grouped by cause, and passed and failed per family\n" +
  "  --plan     print the order of requests, and send none";

const { values, positionals } = parseArgs({
  options: {
    only: { type: "string", default: "*" },
    verbose: { type: "boolean", default: false },
    summary: { type: "boolean", default: false },
    plan: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const [folder] = positionals;
if (values.help || folder === undefined) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const known = readKnownDifferences();
const wanted = values.only.split(",").map(globPattern);
const recordings = readRecordings(resolve(process.env.INIT_CWD ?? ".", folder));
const failures: Outcome[] = [];
const counts = new Map<string, { passed: number; failed: number }>();

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void endEverything().finally(() => process.exit(130)));
}
for (const replay of planReplays(recordings, ROOT)) {
  const isWanted = (each: { readonly name: string }): boolean =>
    wanted.some((glob) => glob.test(each.name));
  const last = replay.steps.findLastIndex(
    (step) => step.kind === "recording" && isWanted(step.recording),
  );
  if (last < 0) continue;
  const steps = replay.steps.slice(0, last + 1);
  if (values.plan) {
    for (const step of steps) console.log(planLine(step));
    continue;
  }
  const say = (line: string): void => {
    if (values.verbose) console.log(line);
  };
  const outcomes = await Replayer.run({ ...replay, steps }, recordings, say);
  for (const outcome of outcomes.filter(({ recording }) => isWanted(recording))) report(outcome);
}
if (!values.plan) finish();

function planLine(step: ReturnType<typeof planReplays>[number]["steps"][number]): string {
  if (step.kind === "action") return `  @ ${step.action}`;
  if (step.kind === "twin") return `  (${step.recording.name})`;
  return `${step.notBefore.toFixed(3)} ${step.recording.name}`;
}

function report({ recording, differences }: Outcome): void {
  const left = differences.filter((each) => !isKnown(recording.name, each));
  const count = counts.get(recording.family) ?? { passed: 0, failed: 0 };
  counts.set(recording.family, count);
  if (left.length === 0) {
    count.passed++;
    const reason = differences.length > 0 ? " (known difference)" : "";
    console.log(`ok   ${recording.name}${reason}`);
    return;
  }
  count.failed++;
  failures.push({ recording, differences: left });
  const shown = values.verbose ? left : left.slice(0, 1);
  const more = left.length > shown.length ? ` (and ${left.length - shown.length} more)` : "";
  console.log(`FAIL ${recording.name}: ${shown.join("\n       ")}${more}`);
}

function finish(): never {
  if (values.summary) printSummary();
  const all = [...counts.values()];
  const passed = all.reduce((sum, count) => sum + count.passed, 0);
  const failed = all.reduce((sum, count) => sum + count.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

function printSummary(): void {
  const causes = new Map<string, Set<string>>();
  for (const { recording, differences } of failures) {
    for (const cause of differences.map(causeOf)) {
      causes.set(cause, (causes.get(cause) ?? new Set()).add(recording.name));
    }
  }
  console.log("\nfailures by cause");
  for (const [cause, names] of [...causes].sort(([, a], [, b]) => b.size - a.size)) {
    const some = [...names].slice(0, 6).join(" ");
    console.log(
      `${String(names.size).padStart(4)}  ${cause}\n        ${some}${names.size > 6 ? " …" : ""}`,
    );
  }
  console.log("");
  for (const [family, { passed, failed }] of counts) {
    console.log(`${family}: ${passed} passed, ${failed} failed`);
  }
}

/** Without what differs between failures of one cause: names of keys, paths, ids, tasks. */
function causeOf(difference: string): string {
  return difference
    .replace(/There is nothing at \S+/, "There is nothing at *")
    .replace(/^event UPDATE \S+ (TASK_\w+)/, "event UPDATE * $1")
    .replace(/^(body .*flags\.)[^./ ]+(: missing)$/, "$1*$2")
    .replace(/^(body [a-z]+\/)\S+(: (?:missing|not in Mesos' answer).*)$/, "$1*$2");
}

interface KnownDifference {
  readonly recording: RegExp;
  readonly difference: RegExp;
}

function isKnown(name: string, difference: string): boolean {
  return known.some((each) => each.recording.test(name) && each.difference.test(difference));
}

function readKnownDifferences(): readonly KnownDifference[] {
  const text = readFileSync(join(ROOT, "test/compat/golden/known-differences.txt"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [recording, difference, reason] = line.split(" | ");
    if (!recording || !difference || !reason) {
      throw new Error(`known-differences.txt: not 'recording | difference | reason': ${line}`);
    }
    return { recording: globPattern(recording), difference: globPattern(difference) };
  });
}
