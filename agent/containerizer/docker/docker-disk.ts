/**
 * Disk space of Docker containers: their sandboxes, and what they write beside their images. Mesos
 * bounds neither.
 */

import type { ContainerId, ContainerizerOptions } from "../containerizer.ts";
import { DISK_WATCH_MS, DiskWatch, diskMessage, measureFolder } from "../disk-watch.ts";
import type { Limitation } from "../supervisor/isolation.ts";
import type { EngineCalls } from "./engine-calls.ts";

export interface DockerDiskTools {
  readonly calls: EngineCalls;
  /** Of one that runs; undefined: there is none. */
  readonly dockerIdOf: (id: ContainerId) => string | undefined;
  readonly exceeded: (id: ContainerId, limitation: Limitation) => void;
}

/** Undefined: the operator does not want it measured. */
export function watchDockerDisk(
  { runtimeDirectory, disk, isolation }: ContainerizerOptions,
  { calls, dockerIdOf, exceeded }: DockerDiskTools,
): DiskWatch | undefined {
  const isEnforced = disk?.isEnforced === true;
  if (!isEnforced && isolation?.has("disk/du") !== true) return undefined;
  return new DiskWatch({
    runtimeDirectory,
    everyMs: disk?.everyMs ?? DISK_WATCH_MS,
    measure: async (id, sandboxDirectory) => {
      const dockerId = dockerIdOf(id);
      if (dockerId === undefined) return undefined;
      const [sandbox, own] = await Promise.all([
        measureFolder(sandboxDirectory),
        calls.ownBytes(dockerId),
      ]);
      if (sandbox === undefined || !own.ok || own.value === undefined) return undefined;
      return sandbox + own.value;
    },
    exceeded: isEnforced
      ? (id, used) => exceeded(id, { reason: "DISK", message: diskMessage(used) })
      : undefined,
  });
}
