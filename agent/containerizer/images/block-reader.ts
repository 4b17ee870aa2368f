/** Takes a stream of chunks apart into pieces of asked-for length. */

export class BlockReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined: the stream has ended before. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for await (const part of this.pass(bytes)) parts.push(part);
    const taken = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    return taken.length === bytes ? taken : undefined;
  }

  /** The next bytes as they come; fewer where the stream ends before. */
  async *pass(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) return;
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async skip(bytes: number): Promise<void> {
    for await (const _ of this.pass(bytes));
  }

  /** Reads to the end: whoever counts or hashes the stream has seen all of it then. */
  async drain(): Promise<void> {
    while (await this.#more());
  }

  /** Nobody reads on. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    this.#rest = next.done === true ? Buffer.alloc(0) : next.value;
    return next.done !== true;
  }
}
