/** The Engine's figures of a container as Mesos' ResourceStatistics. */
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { type Json, listOf, number, objectOf } from "./engine.ts";

const NANOSECONDS = 1e9;
/** Where v1 and v2 write "no limit", and the Engine the machine's memory. */
const NO_LIMIT = 2 ** 60;

export function statisticsOf(stats: Json, facts: { readonly nowMs: number }): ResourceStatistics {
  const cpu = objectOf(stats.cpu_stats);
  const usage = objectOf(cpu.cpu_usage);
  const throttling = objectOf(cpu.throttling_data);
  const pids = number(objectOf(stats.pids_stats).current);
  return {
    timestamp: facts.nowMs / 1_000,
    ...(pids !== undefined && { threads: pids }),
    ...secondsOf(usage),
    ...defined({
      cpus_nr_periods: number(throttling.periods),
      cpus_nr_throttled: number(throttling.throttled_periods),
    }),
    cpus_throttled_time_secs: (number(throttling.throttled_time) ?? 0) / NANOSECONDS,
    ...memoryOf(objectOf(stats.memory_stats)),
    ...networkOf(listOf(stats.networks).map(objectOf)),
  };
}

/** v1's division into user and system is in ticks: coarser than the total. */
function secondsOf(usage: Json): Partial<ResourceStatistics> {
  const total = number(usage.total_usage) ?? 0;
  const user = number(usage.usage_in_usermode) ?? 0;
  const kernel = number(usage.usage_in_kernelmode) ?? 0;
  const share = user + kernel === 0 ? 1 : user / (user + kernel);
  return {
    cpus_user_time_secs: (total * share) / NANOSECONDS,
    cpus_system_time_secs: (total * (1 - share)) / NANOSECONDS,
  };
}

/** The names in `stats` are the kernel's: `total_*` on v1, plain on v2. */
function memoryOf(memory: Json): Partial<ResourceStatistics> {
  const stats = objectOf(memory.stats);
  const of = (...names: readonly string[]): bigint | undefined => {
    const found = names.map((name) => number(stats[name])).find((value) => value !== undefined);
    return found === undefined ? undefined : BigInt(found);
  };
  const limit = number(memory.limit);
  const used = number(memory.usage);
  return defined({
    mem_total_bytes: used === undefined ? undefined : BigInt(used),
    mem_limit_bytes: limit === undefined || limit >= NO_LIMIT ? undefined : BigInt(limit),
    mem_rss_bytes: of("total_rss", "anon"),
    mem_cache_bytes: of("total_cache", "file"),
    mem_mapped_file_bytes: of("total_mapped_file", "file_mapped"),
    mem_swap_bytes: of("total_swap", "swap"),
    mem_unevictable_bytes: of("total_unevictable", "unevictable"),
  });
}

/** Summed over interfaces; none with the machine's own network. */
function networkOf(interfaces: readonly Json[]): Partial<ResourceStatistics> {
  if (interfaces.length === 0) return {};
  const sum = (name: string): bigint =>
    interfaces.reduce((total, each) => total + BigInt(number(each[name]) ?? 0), 0n);
  return {
    net_rx_bytes: sum("rx_bytes"),
    net_rx_packets: sum("rx_packets"),
    net_rx_errors: sum("rx_errors"),
    net_rx_dropped: sum("rx_dropped"),
    net_tx_bytes: sum("tx_bytes"),
    net_tx_packets: sum("tx_packets"),
    net_tx_errors: sum("tx_errors"),
    net_tx_dropped: sum("tx_dropped"),
  };
}

/** Without the members that are undefined: unset is absent. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
    // `fromEntries` forgets the keys; these are the members of T that are there.
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
