/** Things that are done one after the other, per key. */
export class Turns<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  /** Does it when all that took a turn before has been done, however that ended. */
  async take<T>(key: K, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(act, act);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
