/**
 * How busy the master is, in the way of Unix' load averages: the mean number of turns in progress,
 * from their beginning until they are on disk, where what is longer ago counts less and less.
 *
 * One object takes one turn at a time, so 1 is all it can do.
 */
const PERIODS_MS = { one: 60_000, five: 300_000, fifteen: 900_000 };

export type LoadAverages = { readonly [P in keyof typeof PERIODS_MS]: number };

export class LoadAverage {
  #averages: LoadAverages = { one: 0, five: 0, fifteen: 0 };
  #atMs = 0;

  /** `busyMs` of work has just ended. */
  add(busyMs: number, nowMs: number): void {
    const { one, five, fifteen } = this.at(nowMs);
    this.#averages = {
      one: one + busyMs / PERIODS_MS.one,
      five: five + busyMs / PERIODS_MS.five,
      fifteen: fifteen + busyMs / PERIODS_MS.fifteen,
    };
    this.#atMs = nowMs;
  }

  at(nowMs: number): LoadAverages {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    const faded = (period: keyof LoadAverages): number =>
      this.#averages[period] * Math.exp(-passedMs / PERIODS_MS[period]);
    return { one: faded("one"), five: faded("five"), fifteen: faded("fifteen") };
  }
}
