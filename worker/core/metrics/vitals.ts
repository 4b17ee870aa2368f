/**
 * What the master's object measures of its own work: how long allocations and writes take, and how
 * busy it is. The shell takes the times, because nothing in the core knows a clock.
 *
 * Where the platform lets a clock stand still while code runs (at the edge, against timing attacks)
 * what does no I/O takes 0 ms; writes are measured everywhere.
 */
import { Distribution } from "../../std/distribution.ts";
import { LoadAverage } from "./load-average.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export class Vitals {
  readonly #allocation = new Distribution({ windowMs: HOUR_MS });
  readonly #allocationLatency = new Distribution({ windowMs: HOUR_MS });
  readonly #store = new Distribution({ windowMs: DAY_MS });
  readonly #load = new LoadAverage();
  #allocations = 0;
  #fetchMs: number | undefined;

  /** `latencyMs`: from what made the allocation necessary to its beginning. */
  allocated(times: { readonly latencyMs: number; readonly tookMs: number }, nowMs: number): void {
    this.#allocations++;
    this.#allocation.add(times.tookMs, nowMs);
    this.#allocationLatency.add(times.latencyMs, nowMs);
  }

  /** A turn was decided and handed to the disk. */
  turned(tookMs: number, nowMs: number): void {
    this.#load.add(tookMs, nowMs);
  }

  /** Everything written so far became durable. */
  stored(tookMs: number, nowMs: number): void {
    this.#store.add(tookMs, nowMs);
    this.#load.add(tookMs, nowMs);
  }

  /** The state was read from the disk. */
  fetched(tookMs: number): void {
    this.#fetchMs = tookMs;
  }

  metrics(nowMs: number): Readonly<Record<string, number>> {
    const load = this.#load.at(nowMs);
    return {
      "allocator/mesos/allocation_runs": this.#allocations,
      ...this.#allocation.metrics("allocator/mesos/allocation_run_ms", nowMs),
      ...this.#allocationLatency.metrics("allocator/mesos/allocation_run_latency_ms", nowMs),
      ...(this.#fetchMs !== undefined && { "registrar/state_fetch_ms": this.#fetchMs }),
      ...this.#store.metrics("registrar/state_store_ms", nowMs),
      // An object is one thread.
      "system/cpus_total": 1,
      "system/load_1min": load.one,
      "system/load_5min": load.five,
      "system/load_15min": load.fifteen,
    };
  }
}
