/** Whether containers that are not Docker's can have images. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { whyNoImages } from "../containerizer/images/machine.ts";
import { DEFAULT_REGISTRY } from "../containerizer/images/options.ts";
import type { Check, Finding } from "./check.ts";

export const imagesCheck: Check = {
  title: "images without Docker",
  run: async ({ config }): Promise<Finding> => {
    const { isEnabled, source, storeDirectory } = config.images;
    if (config.containerizer !== "cgroups" || !isEnabled) {
      const detail = "tasks of type MESOS have the machine's files only";
      const advice = isEnabled
        ? "run the agent as root, with the cgroups containerizer"
        : "leave --image-providers out";
      return { state: "LACKING", detail, advice };
    }
    const wanted = storeDirectory ?? join(config.workDirectory, "images");
    const directory = mkdtempSync(join(existing(wanted), "rimrock-check-"));
    try {
      const why = await whyNoImages(directory);
      if (why !== undefined) return { state: "LACKING", detail: why };
      const from = source.kind === "FOLDER" ? source.path : (source.url?.href ?? DEFAULT_REGISTRY);
      return { state: "OK", detail: `kept in ${wanted}; names without a registry from ${from}` };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

/** Its file system counts, not whether it is there yet. */
function existing(path: string): string {
  if (existsSync(path)) return path;
  const parent = dirname(path);
  return parent === path ? tmpdir() : existing(parent);
}
