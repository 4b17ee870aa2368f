/** When to start again what died: at once, and later each time while it keeps dying young. */

/** Always within a second, with the time a start takes. */
const DELAYS_MS = [0, 100, 200, 400, 500];
const LIVED_LONG_MS = 10_000;

export interface RestartPolicy {
  /** How long to wait before the next start, ms. `livedMs`: from its last start to its death. */
  delayMs(livedMs: number): number;
}

export function createRestartPolicy(): RestartPolicy {
  let youngDeaths = 0;
  return {
    delayMs: (livedMs) => {
      youngDeaths = livedMs < LIVED_LONG_MS ? youngDeaths + 1 : 1;
      return DELAYS_MS[Math.min(youngDeaths, DELAYS_MS.length) - 1] ?? 0;
    },
  };
}
