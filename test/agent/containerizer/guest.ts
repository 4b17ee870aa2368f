/**
 * Runs in the virtual machine, under plain Node: every check of the cgroups containerizer, one line
 * each.
 */
import { detectHierarchy } from "../../../agent/containerizer/cgroups/hierarchy.ts";
import { cgroupChecks } from "./checks/cgroups.ts";
import { seccompChecks } from "./checks/seccomp.ts";
import { suites } from "./suite.ts";

const LANES = 3;

// A check that waits for a container alone would end the process: containers do not keep it open.
setInterval(() => {}, 1_000);
const hierarchy = detectHierarchy();
console.log(`HIERARCHY ${hierarchy.ok ? `v${hierarchy.value.version}` : hierarchy.error.why}`);
async function run([rule, check]: (typeof rules)[number]): Promise<void> {
  const startMs = performance.now();
  let failure = "";
  try {
    await check("cgroups");
  } catch (cause) {
    failure = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  }
  const ms = Math.round(performance.now() - startMs);
  console.log(`CHECK ${JSON.stringify({ rule, failure, ms })}`);
}

// Its setpriv(1) is newer than that of the machine.
const rules = Object.entries({ ...suites.cgroups, ...seccompChecks });
// An emulated machine is slow and most checks wait. Those that watch the cgroups are by themselves.
const waiting = rules.filter(([rule]) => !(rule in cgroupChecks));
await Promise.all(
  Array.from({ length: LANES }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await run(next);
  }),
);
for (const rule of rules) if (rule[0] in cgroupChecks) await run(rule);
console.log("CHECKS DONE");
process.exit(0);
