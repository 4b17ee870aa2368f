/**
 * Values by key, as long as they are asked for now and then: a bounded cache.
 *
 * Two generations: what is asked for moves to the young one, and when that is full, it becomes the
 * old one and what was old goes. So a value stays for at least `most` others that were asked for
 * since, and there are never more than twice as many.
 */
export class Recent<K, V> {
  readonly #most: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The value that is kept for the key, or else what `make` makes. */
  of(key: K, make: (key: K) => V): V {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const value = this.#old.get(key) ?? make(key);
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }
}
