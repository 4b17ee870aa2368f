/** Membership and the end of everything in a cgroup. In v1 that is the freezer's hierarchy. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ok, type Result } from "../../../../worker/std/result.ts";
import type { FileError } from "../../containerizer.ts";
import { signalProcess } from "../../supervisor/isolation.ts";
import { readCgroupFile, writeCgroupFile } from "../cgroup-file.ts";
import type { CgroupVersion, Controller } from "./controller.ts";

export const freezer: Controller = {
  1: { apply: () => ok(undefined), usage: () => ok({}) },
  2: undefined,
};

/** Every process in the cgroup and in those that its processes made below it; none when it is gone.
 * Zombies count until they are reaped. */
export function processesIn(cgroup: string): readonly number[] {
  return cgroupsIn(cgroup).flatMap((directory) => {
    const text = readCgroupFile(directory, "cgroup.procs");
    if (!text.ok) return [];
    // A 0 is a process of another pid namespace: not ours to signal, and kill(0) would be
    // ourselves.
    return text.value
      .split("\n")
      .map(Number)
      .filter((pid) => pid > 0);
  });
}

/** The cgroup and all below it, the deepest first: the order in which they can be removed. */
export function cgroupsIn(cgroup: string): readonly string[] {
  try {
    const below = readdirSync(cgroup, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => cgroupsIn(join(cgroup, entry.name)));
    return [...below, cgroup];
  } catch {
    return [];
  }
}

const FREEZE = {
  1: { file: "freezer.state", frozen: "FROZEN", thawed: "THAWED" },
  2: { file: "cgroup.freeze", frozen: "1", thawed: "0" },
} as const;

/**
 * SIGKILLs every process. True: there was none. Call it again: what was forked meanwhile is left.
 */
export function killAllIn(version: CgroupVersion, cgroup: string): boolean {
  if (processesIn(cgroup).length === 0) return true;
  // Since Linux 5.14, and it leaves no gap for a fork.
  if (version === 2 && writeCgroupFile(cgroup, "cgroup.kill", 1).ok) return false;
  const { file, frozen, thawed } = FREEZE[version];
  setState(cgroup, file, frozen);
  for (const pid of processesIn(cgroup)) signalProcess(pid, "SIGKILL");
  // A v1 process dies of the signal only once it is thawed.
  setState(cgroup, file, thawed);
  return false;
}

/** Freezing only narrows the gap for forks; the caller's repetition is what closes it. */
function setState(cgroup: string, file: string, state: string): Result<void, FileError> {
  return writeCgroupFile(cgroup, file, state);
}
