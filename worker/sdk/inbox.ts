/**
 * Events between the stream that is read and the author's code that is slower or not looking.
 *
 * Invariants:
 * 1. Events leave in the order they came; what is taken out by `discard` never leaves.
 * 2. After `end`, what is queued still leaves, then `take` answers undefined or throws the error.
 * 3. `room` is resolved exactly while fewer than `limit` events wait: the reader then stops
 * reading,
 *    and the master feels it.
 */
export class Inbox<T> {
  readonly #limit: number;
  #queue: T[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #wakeTaker: (() => void) | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#queue.length;
  }

  put(event: T): void {
    if (this.#end !== undefined) return;
    this.#queue.push(event);
    this.#wakeTaker?.();
  }

  /** Throws away the waiting events for which `isVoid` holds. */
  discard(isVoid: (event: T) => boolean): void {
    this.#queue = this.#queue.filter((event) => !isVoid(event));
    if (this.#queue.length < this.#limit) this.#wakeReader?.();
  }

  /** Nothing comes any more; only the first call counts. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wakeTaker?.();
    this.#wakeReader?.();
  }

  /** The next event; undefined after the end. One taker at a time. */
  async take(): Promise<T | undefined> {
    while (this.#queue.length === 0) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
      this.#wakeTaker = undefined;
    }
    const event = this.#queue.shift();
    if (this.#queue.length < this.#limit) this.#wakeReader?.();
    return event;
  }

  /** Waits until there is room for one more event, or the end. One waiter at a time. */
  async room(): Promise<void> {
    while (this.#queue.length >= this.#limit && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
    }
  }
}
