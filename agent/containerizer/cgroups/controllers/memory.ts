/**
 * Memory with swap: one hard limit, and the kernel's count of processes killed for going beyond it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ok, type Result } from "../../../../worker/std/result.ts";
import type { FileError } from "../../containerizer.ts";
import { readAmount, readCounters, writeCgroupFiles } from "../cgroup-file.ts";
import type { CgroupVersion, Controller } from "./controller.ts";

const V1_LIMIT = "memory.limit_in_bytes";
/** Memory and swap together; there only when the kernel accounts for swap. */
const V1_SWAP_LIMIT = "memory.memsw.limit_in_bytes";

/** Above it a container's memory is the first to be taken back. */
const V1_SOFT_LIMIT = "memory.soft_limit_in_bytes";
/** Below it a container's memory is the last to be taken back. */
const V2_SOFT_LIMIT = "memory.low";

export const memory: Controller = {
  1: {
    apply: (cgroup, { memoryLimitBytes, memoryRequestBytes }) => {
      const limit = memoryLimitBytes ?? -1;
      const files = existsSync(join(cgroup, V1_SWAP_LIMIT))
        ? [V1_LIMIT, V1_SWAP_LIMIT]
        : [V1_LIMIT];
      // The sum may never be below the part: raised first, lowered last.
      const before = readAmount(cgroup, V1_LIMIT);
      if (!before.ok) return before;
      const request = applyRequest(cgroup, V1_SOFT_LIMIT, memoryRequestBytes ?? -1);
      if (!request.ok) return request;
      const raised = limit === -1 || limit > (before.value ?? Number.POSITIVE_INFINITY);
      const ordered = raised ? files.toReversed() : files;
      return writeCgroupFiles(
        cgroup,
        ordered.map((file) => [file, limit] as const),
      );
    },
    usage: (cgroup) => {
      const stat = readCounters(cgroup, "memory.stat");
      if (!stat.ok) return stat;
      const used = readAmount(cgroup, "memory.usage_in_bytes");
      if (!used.ok) return used;
      const bytes = (name: string): bigint => BigInt(stat.value.get(`total_${name}`) ?? 0);
      return ok({
        mem_total_bytes: toBigInt(used.value),
        mem_total_memsw_bytes: amountIn(cgroup, "memory.memsw.usage_in_bytes"),
        mem_kmem_usage_bytes: amountIn(cgroup, "memory.kmem.usage_in_bytes"),
        mem_kmem_tcp_usage_bytes: amountIn(cgroup, "memory.kmem.tcp.usage_in_bytes"),
        mem_limit_bytes: toBigInt(limitOf(stat.value.get("hierarchical_memory_limit"))),
        ...softLimit(cgroup, V1_SOFT_LIMIT),
        // Each is shown by its old name, too.
        mem_anon_bytes: bytes("rss"),
        mem_rss_bytes: bytes("rss"),
        mem_file_bytes: bytes("cache"),
        mem_cache_bytes: bytes("cache"),
        mem_mapped_file_bytes: bytes("mapped_file"),
        mem_swap_bytes: bytes("swap"),
        mem_unevictable_bytes: bytes("unevictable"),
      });
    },
  },
  2: {
    apply: (cgroup, { memoryLimitBytes, memoryRequestBytes }) => {
      const writes: [string, string | number][] = [
        ["memory.max", memoryLimitBytes ?? "max"],
        // All of the container or nothing: a task that lost one process at random is of no use.
        ["memory.oom.group", memoryLimitBytes === undefined ? 0 : 1],
      ];
      if (existsSync(join(cgroup, "memory.swap.max"))) {
        writes.push(["memory.swap.max", memoryLimitBytes === undefined ? "max" : 0]);
      }
      const request = applyRequest(cgroup, V2_SOFT_LIMIT, memoryRequestBytes ?? 0);
      return request.ok ? writeCgroupFiles(cgroup, writes) : request;
    },
    usage: (cgroup) => {
      const stat = readCounters(cgroup, "memory.stat");
      if (!stat.ok) return stat;
      const used = readAmount(cgroup, "memory.current");
      if (!used.ok) return used;
      const limit = readAmount(cgroup, "memory.max");
      if (!limit.ok) return limit;
      // No such file where the kernel runs without swap.
      const swap = readAmount(cgroup, "memory.swap.current");
      const bytes = (name: string): bigint => BigInt(stat.value.get(name) ?? 0);
      return ok({
        mem_total_bytes: toBigInt(used.value),
        mem_limit_bytes: toBigInt(limit.value),
        ...softLimit(cgroup, V2_SOFT_LIMIT),
        mem_anon_bytes: bytes("anon"),
        mem_rss_bytes: bytes("anon"),
        mem_file_bytes: bytes("file"),
        mem_cache_bytes: bytes("file"),
        mem_kmem_usage_bytes: stat.value.has("kernel") ? bytes("kernel") : undefined,
        mem_kmem_tcp_usage_bytes: stat.value.has("sock") ? bytes("sock") : undefined,
        mem_mapped_file_bytes: bytes("file_mapped"),
        mem_swap_bytes: swap.ok ? toBigInt(swap.value) : undefined,
        mem_unevictable_bytes: bytes("unevictable"),
      });
    },
  },
};

/** Undefined: this kernel accounts for no such thing. */
function amountIn(cgroup: string, file: string): bigint | undefined {
  const amount = readAmount(cgroup, file);
  return amount.ok ? toBigInt(amount.value) : undefined;
}

function softLimit(cgroup: string, file: string): { readonly mem_soft_limit_bytes?: bigint } {
  const amount = readAmount(cgroup, file);
  const bytes = amount.ok ? toBigInt(amount.value) : undefined;
  return bytes === undefined || bytes === 0n ? {} : { mem_soft_limit_bytes: bytes };
}

/** Kernels are built without it, too; then all of a container's memory is alike to them. */
function applyRequest(cgroup: string, file: string, bytes: number): Result<void, FileError> {
  if (!existsSync(join(cgroup, file))) return ok(undefined);
  return writeCgroupFiles(cgroup, [[file, bytes]]);
}

export interface OutOfMemory {
  readonly killedProcesses: number;
  readonly limitBytes: number | undefined;
  /** Unknown in v2 before Linux 5.19. */
  readonly peakBytes: number | undefined;
}

const OOM_FILES = {
  1: { events: "memory.oom_control", limit: V1_LIMIT, peak: "memory.max_usage_in_bytes" },
  2: { events: "memory.events", limit: "memory.max", peak: "memory.peak" },
} as const;

/**
 * What the kernel says of kills for lack of memory in this cgroup: line `oom_kill 1` of its events.
 * `leaf`: the one in it that has its processes. v2 counts upwards, v1 only where the process was.
 */
export function outOfMemory(
  version: CgroupVersion,
  cgroup: string,
  leaf: string,
): Result<OutOfMemory, FileError> {
  const files = OOM_FILES[version];
  const events = readCounters(cgroup, files.events);
  if (!events.ok) return events;
  const below = version === 1 ? readCounters(leaf, files.events) : undefined;
  const killedBelow = below?.ok ? (below.value.get("oom_kill") ?? 0) : 0;
  const limit = readAmount(cgroup, files.limit);
  const peak = readAmount(cgroup, files.peak);
  return ok({
    killedProcesses: (events.value.get("oom_kill") ?? 0) + killedBelow,
    limitBytes: limit.ok ? limit.value : undefined,
    peakBytes: peak.ok ? peak.value : undefined,
  });
}

function limitOf(bytes: number | undefined): number | undefined {
  return bytes === undefined || bytes >= 2 ** 62 ? undefined : bytes;
}

function toBigInt(bytes: number | undefined): bigint | undefined {
  return bytes === undefined ? undefined : BigInt(bytes);
}
