/** What a run of the fuzzer was, in two lines. */
import type { Fuzzed } from "./run.ts";

export function report({ requests, turns, statuses, slowestMs, digest, heap }: Fuzzed): string {
  const counts = [...statuses].map(([status, times]) => `${status}: ${times}`).join(", ");
  const [quarter, end] = heap.map((bytes) => (bytes / 2 ** 20).toFixed(1));
  return (
    `${requests} requests, ${turns} turns of the master; ${counts}\n` +
    `digest ${(digest >>> 0).toString(16)}; slowest ${slowestMs.toFixed(0)} ms; heap ${quarter} MB after a quarter, ${end} MB at the end`
  );
}
