/**
 * The containerizers, by name. Adding one: a folder and a line here. Which of them serves a task is
 * `composing.ts`'s.
 */
import { cgroupsContainerizer } from "./cgroups/cgroups.ts";
import type { ContainerizerModule } from "./containerizer.ts";
import { dockerContainerizer } from "./docker/docker.ts";
import { processContainerizer } from "./process/process.ts";

/** The two that Mesos would call "mesos"; `--containerizer` chooses one. */
export type MesosContainerizerKind = "process" | "cgroups";
export type ContainerizerKind = MesosContainerizerKind | "docker";

export const containerizers: { readonly [K in ContainerizerKind]: ContainerizerModule } = {
  process: processContainerizer,
  cgroups: cgroupsContainerizer,
  docker: dockerContainerizer,
};

export const mesosContainerizerKinds: readonly MesosContainerizerKind[] = ["process", "cgroups"];
