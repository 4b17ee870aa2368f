/** Limits of a container in its cgroups, as far as the operator wants them held. */
import { readFileSync } from "node:fs";
import { ok, type Result } from "../../../worker/std/result.ts";
import type { FileError, ResourceLimits } from "../containerizer.ts";
import type { Isolator } from "../isolators.ts";
import { type ControllerName, controllers } from "./controllers/index.ts";
import { controllersOf, directoryOf, type Hierarchy } from "./hierarchy.ts";

/** Controllers that hold limits, by the isolator that wants it. */
const ISOLATORS: { readonly [K in ControllerName]?: Isolator } = {
  cpu: "cgroups/cpu",
  memory: "cgroups/mem",
  pids: "cgroups/pids",
};

export function applyLimits(
  hierarchy: Hierarchy,
  cgroup: { readonly name: string; readonly isolators: ReadonlySet<Isolator> },
  limits: ResourceLimits,
): Result<void, FileError> {
  const { name, isolators } = cgroup;
  const bounded = { ...limits, pidsLimit: limits.pidsLimit ?? pidsShare() };
  for (const controller of controllersOf(hierarchy)) {
    const isolator = ISOLATORS[controller];
    if (isolator === undefined || !isolators.has(isolator)) continue;
    const version = controllers[controller][hierarchy.version];
    const applied = version?.apply(directoryOf(hierarchy, controller, name), bounded);
    if (applied?.ok === false) return applied;
  }
  return ok(undefined);
}

/** What systemd gives a service that names no bound: no container alone uses the machine's up. */
const PIDS_SHARE = 0.15;
let cachedPidsShare: number | undefined;

function pidsShare(): number {
  const read = (name: string): number => Number(readFileSync(`/proc/sys/kernel/${name}`, "utf8"));
  cachedPidsShare ??= Math.floor(PIDS_SHARE * Math.min(read("pid_max"), read("threads-max")));
  return cachedPidsShare;
}

const BURST_SCORE_MIN = 3;
const BURST_SCORE_MAX = 999;

/**
 * For the kernel's choice when the machine has no memory left: a container that may use more than
 * it asked for goes before others, and the less it asked for, the sooner. 0 for all others, so that
 * they stand as the machine's own programs do. (Mesos' `calculateOOMScoreAdj`.)
 */
export function outOfMemoryScore(limits: ResourceLimits, machineBytes: number): number {
  const { memoryRequestBytes } = limits;
  if (memoryRequestBytes === undefined) return 0;
  const score = Math.floor(1_000 - (1_000 * memoryRequestBytes) / machineBytes);
  return Math.min(BURST_SCORE_MAX, Math.max(BURST_SCORE_MIN, score));
}
