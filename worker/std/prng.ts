/** A deterministic source of randomness: the same seed gives the same numbers on every platform. */
export interface Prng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, bound). `bound` ≥ 1. */
  below(bound: number): number;
  /** Shuffles in place (Fisher and Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[];
}

/**
 * `seed`: any 32-bit integer; other numbers are truncated to 32 bits.
 * Source: mulberry32, public domain, by Tommy Ettinger.
 */
export function prng(seed: number): Prng {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  const shuffle = <T>(items: T[]): T[] => {
    for (let last = items.length - 1; last > 0; last--) {
      const other = below(last + 1);
      [items[last], items[other]] = [items[other] as T, items[last] as T];
    }
    return items;
  };
  return { next, below, shuffle };
}
