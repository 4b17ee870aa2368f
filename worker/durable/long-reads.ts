/**
 * Answers that are made while they are read: the state documents and the long calls of the operator
 * API.
 *
 * 1. An answer that is soon made and not long is sent in one piece, with its length. 2. At most
 * `READS_AT_ONCE` are being made; who comes later waits in line, and who finds the line full is
 * turned away. 3. A reader that takes nothing for `STALLED_MS` is cut off: what a snapshot refers
 * to stays in memory while it is open.
 */
import { joinBytes, type Piece, type Slice, type Slices, takeSlice, takeSteps } from "./slices.ts";

const READS_AT_ONCE = 16;
const READS_WAITING = 500;
const STALLED_MS = 30_000;
/** Beyond either an answer is sent as it is made: its first byte is wanted within 100 ms. */
const WHOLE_LENGTH = 256 * 1024;
const WHOLE_MS = 30;
/** Below this there is more time: a small cluster's answers are whole while the code is cold. */
const SHORT_LENGTH = 16 * 1024;
const SHORT_MS = 70;

/** What is to be read. */
export interface LongRead {
  readonly pieces: Iterable<Piece>;
  /** Called once, when nobody reads on. */
  close(): void;
}

export class LongReads {
  readonly #slices: Slices;
  readonly #open = new Set<OpenRead>();
  readonly #waiting: (() => void)[] = [];
  #reading = 0;
  /** How many lives of the master have ended. */
  #life = 0;

  constructor(slices: Slices) {
    this.#slices = slices;
  }

  /**
   * The body of an answer; `begin` is called when the read may begin, between two turns. Undefined:
   * too many are waiting.
   */
  async body(begin: () => LongRead): Promise<Uint8Array | ReadableStream<Uint8Array> | undefined> {
    if (!(await this.enter())) return undefined;
    let read: LongRead | undefined;
    try {
      const life = this.#life;
      read = begin();
      const pieces = read.pieces[Symbol.iterator]();
      const head = await this.#headOf(pieces);
      if (this.#life !== life) throw new LifeOver();
      if (!head.isLast) return this.#openRead(read, pieces, head.bytes);
      read.close();
      this.leave();
      return head.bytes;
    } catch (error) {
      read?.close();
      this.leave();
      throw error;
    }
  }

  /** What comes of the work, which is done in slices. Undefined: too many are waiting. */
  async work<T>(begin: () => Generator<undefined, T>): Promise<{ readonly value: T } | undefined> {
    if (!(await this.enter())) return undefined;
    try {
      const life = this.#life;
      const work = begin();
      for (;;) {
        const { done, value } = await this.#slices.next(() => takeSteps(work));
        if (done === true) return { value };
        if (this.#life !== life) throw new LifeOver();
      }
    } finally {
      this.leave();
    }
  }

  /** Waits in line; false: the line is full. Whoever was let in has to `leave`, once. */
  async enter(): Promise<boolean> {
    if (this.#reading < READS_AT_ONCE) {
      this.#reading++;
      return true;
    }
    if (this.#waiting.length >= READS_WAITING) return false;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return true;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#reading--;
    else next();
  }

  /** Every read ends with an error: the life whose state they show is over. */
  closeAll(): void {
    this.#life++;
    for (const open of [...this.#open]) open.fail(new LifeOver());
  }

  /** The whole, or as much of it as is soon made. */
  async #headOf(pieces: Iterator<Piece>): Promise<Slice> {
    const beganMs = Date.now();
    const slices: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { bytes, isLast } = await this.#slices.next(() => takeSlice(pieces));
      slices.push(bytes);
      length += bytes.length;
      const isLate = Date.now() - beganMs >= (length < SHORT_LENGTH ? SHORT_MS : WHOLE_MS);
      if (isLast || length >= WHOLE_LENGTH || isLate) {
        return { bytes: joinBytes(slices), isLast };
      }
    }
  }

  #openRead(
    read: LongRead,
    pieces: Iterator<Piece>,
    first: Uint8Array,
  ): ReadableStream<Uint8Array> {
    const open = new OpenRead({
      first,
      slice: () => this.#slices.next(() => takeSlice(pieces)),
      onEnd: () => {
        read.close();
        this.#open.delete(open);
        this.leave();
      },
    });
    this.#open.add(open);
    return open.stream;
  }
}

class LifeOver extends Error {
  override readonly message = "the master starts afresh; ask again";
}

/** One answer on its way. */
class OpenRead {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #slice: () => Promise<Slice>;
  readonly #onEnd: () => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #stalled: ReturnType<typeof setTimeout> | undefined;

  constructor(options: {
    readonly first: Uint8Array;
    readonly slice: () => Promise<Slice>;
    readonly onEnd: () => void;
  }) {
    this.#slice = options.slice;
    this.#onEnd = options.onEnd;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (options.first.length > 0) controller.enqueue(options.first);
          this.#watch();
        },
        pull: () => this.#pull(),
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    );
  }

  fail(error: unknown): void {
    const controller = this.#controller;
    this.#end();
    controller?.error(error);
  }

  async #pull(): Promise<void> {
    this.#watch();
    while (this.#controller !== undefined) {
      const slice = await this.#slice().catch((error: unknown) => this.fail(error));
      const controller = this.#controller;
      if (controller === undefined || slice === undefined) return;
      const { bytes, isLast } = slice;
      if (bytes.length > 0) controller.enqueue(bytes);
      if (isLast) {
        this.#end();
        controller.close();
      }
      if (bytes.length > 0) return;
    }
  }

  #watch(): void {
    if (this.#stalled !== undefined) clearTimeout(this.#stalled);
    this.#stalled = setTimeout(
      () => this.fail(new Error("the reader of this answer has stopped reading; ask again")),
      STALLED_MS,
    );
  }

  #end(): void {
    if (this.#stalled !== undefined) clearTimeout(this.#stalled);
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    this.#onEnd();
  }
}
