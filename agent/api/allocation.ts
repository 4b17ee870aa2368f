/** What of a container's figures its resources say, and not the kernel, as in Mesos. */
import { totalmem } from "node:os";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { amountOf } from "../core/amount.ts";

const BYTES_PER_MEGABYTE = 1024 * 1024;

type Allocated = Pick<mesos.TaskInfo, "resources" | "limits">;

/**
 * With what the container may use where others want it, too (its request), and at most. The
 * kernel's own word on the latter counts: it is what holds.
 */
export function withAllocation(
  statistics: mesos.ResourceStatistics,
  { resources, limits }: Allocated,
): mesos.ResourceStatistics {
  const cpus = amountOf(resources, "cpus");
  const mem = bytesOf(amountOf(resources, "mem"));
  const most = limits?.mem?.value;
  const memoryLimit = statistics.mem_limit_bytes ?? (most === undefined ? mem : limitOf(most));
  const cpusLimit = statistics.cpus_limit ?? limits?.cpus?.value;
  const isCapped = cpusLimit !== undefined && Number.isFinite(cpusLimit);
  return {
    ...statistics,
    ...(cpus > 0 && { cpus_soft_limit: cpus }),
    ...(isCapped && { cpus_limit: cpusLimit }),
    ...(mem > 0n && { mem_soft_limit_bytes: mem }),
    ...(memoryLimit > 0n && { mem_limit_bytes: memoryLimit }),
  };
}

/** Without a bound it is the machine's. */
function limitOf(megabytes: number): bigint {
  return Number.isFinite(megabytes) ? bytesOf(megabytes) : BigInt(totalmem());
}

function bytesOf(megabytes: number): bigint {
  return BigInt(Math.round(megabytes * BYTES_PER_MEGABYTE));
}
