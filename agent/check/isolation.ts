/** What containers would be isolated by, with the options as they are. */
import { tmpdir } from "node:os";
import { reportIsolation } from "../containerizer/cgroups/isolation-report.ts";
import type { ContainerizerReason } from "../containerizer-options.ts";
import type { Check, Finding } from "./check.ts";

/** No loss where the machine has no such thing, or another means does the work. */
const HARMLESS: readonly string[] = ["gpu/nvidia", "cgroups/devices"];

/** How tasks come to be isolated where they are not. */
const ADVICE: { readonly [R in ContainerizerReason]: string } = {
  NAMED: "leave --containerizer process out, and run the agent as root",
  ISOLATION: "leave --isolation out, and run the agent as root",
  ROOT: "start the agent with --containerizer cgroups",
  NOT_ROOT: "run the agent as root",
};

export const isolationCheck: Check = {
  title: "isolation",
  run: ({ config }): Finding => {
    if (config.containerizer !== "cgroups") {
      return {
        state: "LACKING",
        detail: `the ${config.containerizer} containerizer isolates nothing`,
        advice: ADVICE[config.containerizerReason],
      };
    }
    const { isolation, allowedCapabilities, seccomp, users, disk } = config.isolation;
    const report = reportIsolation({
      runtimeDirectory: tmpdir(),
      cgroupRoot: "rimrock-check",
      ...(isolation !== undefined && { isolation }),
      ...(allowedCapabilities !== undefined && { allowedCapabilities }),
      ...(seccomp !== undefined && { seccomp }),
      ...(users !== undefined && { users }),
      disk,
    });
    if (report === undefined) return { state: "LACKING", detail: "there are no cgroups" };
    const works = report.works.join(", ");
    const lacks = report.lacking.map(({ isolator, why }) => `${isolator} (${why})`).join("; ");
    if (report.lacking.every(({ isolator }) => HARMLESS.includes(isolator))) {
      return { state: "OK", detail: lacks === "" ? works : `${works}; not ${lacks}` };
    }
    const advice = "install util-linux, run the agent as root, or leave it out of --isolation";
    return { state: "LACKING", detail: `${works}; without ${lacks}`, advice };
  },
};
