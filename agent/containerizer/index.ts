/**
 * The containerizers, by the name that `--containerizer` takes. Adding one: a folder and a line
 * here.
 */
import { cgroupsContainerizer } from "./cgroups/cgroups.ts";
import type { ContainerizerModule } from "./containerizer.ts";
import { processContainerizer } from "./process/process.ts";

export type ContainerizerKind = "process" | "cgroups";

export const containerizers: { readonly [K in ContainerizerKind]: ContainerizerModule } = {
  process: processContainerizer,
  cgroups: cgroupsContainerizer,
};
