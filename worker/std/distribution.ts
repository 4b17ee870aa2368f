/** Measurements of the recent past, and what is told of them beside the last one, as in Mesos. */

/** Samples kept at most; when more fall into the window, only the newest of them count. */
const SAMPLES_MAX = 1_000;

const PERCENTILES = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
  ["p999", 0.999],
  ["p9999", 0.9999],
] as const;

export class Distribution {
  readonly #windowMs: number;
  /** Oldest first. */
  #samples: { readonly value: number; readonly atMs: number }[] = [];
  #last: number | undefined;

  constructor({ windowMs }: { readonly windowMs: number }) {
    this.#windowMs = windowMs;
  }

  add(value: number, atMs: number): void {
    this.#last = value;
    this.#samples.push({ value, atMs });
    // Twice as many before they are dropped: a sample then costs constant time on average.
    if (this.#samples.length >= 2 * SAMPLES_MAX) this.#samples = this.#samples.slice(-SAMPLES_MAX);
  }

  /**
   * The last value by `name`, and `name/count`, `name/p50` and so on over the window. Nothing is
   * shown before the first sample, and the last value alone while the window is empty.
   */
  metrics(name: string, nowMs: number): Readonly<Record<string, number>> {
    if (this.#last === undefined) return {};
    const values = this.#samples
      .slice(-SAMPLES_MAX)
      .filter(({ atMs }) => atMs > nowMs - this.#windowMs)
      .map(({ value }) => value)
      .sort((a, b) => a - b);
    const metrics: Record<string, number> = { [name]: this.#last };
    if (values.length === 0) return metrics;
    metrics[`${name}/count`] = values.length;
    metrics[`${name}/min`] = values[0] ?? 0;
    metrics[`${name}/max`] = values.at(-1) ?? 0;
    for (const [label, share] of PERCENTILES) metrics[`${name}/${label}`] = at(values, share);
    return metrics;
  }
}

/** The value below which this share of the sorted `values` lies, between its two neighbours. */
function at(values: readonly number[], share: number): number {
  const place = share * (values.length - 1);
  const below = Math.floor(place);
  const low = values[below] ?? 0;
  const high = values[below + 1] ?? low;
  return low + (place - below) * (high - low);
}
