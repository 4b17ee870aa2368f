/** Choices from a seeded source. */
import type { Prng } from "../../worker/std/prng.ts";

export class Dice {
  readonly #random: Prng;

  constructor(random: Prng) {
    this.#random = random;
  }

  /** Uniform in [0, bound). */
  below(bound: number): number {
    return this.#random.below(bound);
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]]): T;
  pick<T>(items: readonly T[]): T | undefined;
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.below(Math.max(items.length, 1))];
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#random.below(256));
  }
}
