/** Which containerizers can work here: each answers for itself. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { containerizers } from "../containerizer/index.ts";
import type { Check, Finding } from "./check.ts";

/** One check a containerizer; the configured one has to work, the others would be nice. */
export const containerizerChecks: readonly Check[] = Object.entries(containerizers).map(
  ([name, module]) => ({
    title: `containerizer ${name}`,
    run: async ({ config }): Promise<Finding> => {
      const runtimeDirectory = mkdtempSync(join(tmpdir(), "rimrock-check-"));
      try {
        const works = await module.check({
          ...{ runtimeDirectory, cgroupRoot: "rimrock-check" },
          docker: config.docker,
        });
        if (works.ok) return { state: "OK", detail: module.summary };
        const isChosen =
          name === "docker"
            ? config.containerizers.includes(name)
            : config.containerizers.includes("mesos") && name === config.containerizer;
        return { state: isChosen ? "FAILED" : "LACKING", detail: works.error.why };
      } finally {
        rmSync(runtimeDirectory, { recursive: true, force: true });
      }
    },
  }),
);
