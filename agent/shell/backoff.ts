/**
 * How long to wait before the next attempt to reach the master. The first attempts come quickly, so
 * that a control plane that restarts is missed for a moment only; then random in [0, 1 s · 2ⁿ) up
 * to a minute, as Mesos agents do (http-semantics 10.1), so that a big cluster does not come back
 * all at once.
 */
const QUICK_ATTEMPTS = 8;
const QUICK_MIN_MS = 50;
const QUICK_MAX_MS = 250;
const SLOW_BASE_MS = 1_000;

/** `attempt`: failures so far, ≥ 1. `capMs`: bound of the slow attempts. `random`: in [0, 1). */
export function backoffMs(attempt: number, capMs: number, random: number): number {
  const quick = QUICK_MIN_MS + random * (QUICK_MAX_MS - QUICK_MIN_MS);
  if (attempt <= QUICK_ATTEMPTS) return quick;
  const bound = Math.min(SLOW_BASE_MS * 2 ** (attempt - QUICK_ATTEMPTS - 1), capMs);
  return Math.max(quick, random * bound);
}
