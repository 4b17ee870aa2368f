/**
 * What a container writes, for any number of readers.
 *
 * Of a container with pipes every reader gets all that is written from the moment it came, and the
 * slowest of them holds the container up; while there is none the container waits. Of one that
 * writes into its sandbox's files a reader gets what is appended, at its own pace.
 */
import type { Socket } from "node:net";

export interface OutputPiece {
  readonly stream: "STDOUT" | "STDERR";
  readonly data: Uint8Array;
}

export interface OutputReader {
  /** Undefined: that was all. One call at a time. */
  next(): Promise<OutputPiece | undefined>;
  /** Ends what `next` waits for. Idempotent. */
  close(): void;
}

/** Of a container that may go on when it has closed its output: all there is when it has ended. */
export function untilEnded(reader: OutputReader, ended: Promise<unknown>): OutputReader {
  let tell = (): void => {};
  const closed = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return {
    async next() {
      const piece = await reader.next();
      if (piece === undefined) await Promise.race([ended, closed]);
      return piece;
    },
    close() {
      reader.close();
      tell();
    },
  };
}

export class PipedOutput {
  readonly #readers = new Set<QueueReader>();
  #arrived: (() => void)[] = [];
  #open = 2;

  constructor(pipes: { readonly stdout: Socket; readonly stderr: Socket }) {
    void this.#pump("STDOUT", pipes.stdout);
    void this.#pump("STDERR", pipes.stderr);
  }

  attach(): OutputReader {
    const reader = new QueueReader(() => this.#readers.delete(reader));
    if (this.#open === 0) reader.finish();
    else this.#readers.add(reader);
    for (const arrived of this.#arrived.splice(0)) arrived();
    return reader;
  }

  async #pump(stream: OutputPiece["stream"], socket: Socket): Promise<void> {
    try {
      // A socket without an encoding gives bytes.
      for await (const data of socket) await this.#hand({ stream, data: data as Uint8Array });
    } catch {
      // A broken pipe has nothing more to read, as one that has ended.
    }
    this.#open--;
    if (this.#open === 0) for (const reader of this.#readers) reader.finish();
  }

  async #hand(piece: OutputPiece): Promise<void> {
    while (this.#readers.size === 0) {
      await new Promise<void>((resolve) => this.#arrived.push(resolve));
    }
    await Promise.all([...this.#readers].map((reader) => reader.offer(piece)));
  }
}

/** Holds at most one piece of each stream. */
class QueueReader implements OutputReader {
  readonly #onClose: () => void;
  #waiting: { readonly piece: OutputPiece; readonly taken: () => void }[] = [];
  #next: ((piece: OutputPiece | undefined) => void) | undefined;
  #state: "OPEN" | "FINISHED" | "CLOSED" = "OPEN";

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  next(): Promise<OutputPiece | undefined> {
    const first = this.#waiting.shift();
    first?.taken();
    if (first !== undefined || this.#state !== "OPEN") return Promise.resolve(first?.piece);
    return new Promise((resolve) => {
      this.#next = resolve;
    });
  }

  /** Resolves when it was taken, or nobody will. */
  offer(piece: OutputPiece): Promise<void> {
    if (this.#state === "CLOSED") return Promise.resolve();
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) {
      next(piece);
      return Promise.resolve();
    }
    return new Promise((taken) => this.#waiting.push({ piece, taken }));
  }

  finish(): void {
    if (this.#state === "OPEN") this.#state = "FINISHED";
    this.#next?.(undefined);
    this.#next = undefined;
  }

  close(): void {
    this.#state = "CLOSED";
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.#next?.(undefined);
    this.#next = undefined;
    this.#onClose();
  }
}
