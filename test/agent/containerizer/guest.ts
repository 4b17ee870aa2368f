/**
 * Runs in the virtual machine, under plain Node: every check of the cgroups containerizer, one line
 * each.
 */
import { detectHierarchy } from "../../../agent/containerizer/cgroups/hierarchy.ts";
import { suites } from "./suite.ts";

// A check that waits for a container alone would end the process: containers do not keep it open.
setInterval(() => {}, 1_000);
const hierarchy = detectHierarchy();
console.log(`HIERARCHY ${hierarchy.ok ? `v${hierarchy.value.version}` : hierarchy.error.why}`);
for (const [rule, check] of Object.entries(suites.cgroups)) {
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
console.log("CHECKS DONE");
process.exit(0);
