/**
 * Pauses between attempts: doubling up to a bound, and random so that clients do not come in step.
 */

export interface BackOffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * The pause before attempt number `attempt` (0 = the first repetition), in ms.
 *
 * Uniform between half of and the whole doubled bound: never at once, never in step. `random` is in
 * [0, 1).
 */
export function backOffMs(options: BackOffOptions, attempt: number, random: number): number {
  const boundMs = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(attempt, 30));
  return boundMs / 2 + (random * boundMs) / 2;
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
