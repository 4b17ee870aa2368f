/**
 * The body of an operator's call, read little faster than its agent asks for it.
 *
 * 1. A piece has at most `CALL_REPLY_BYTES`, and is all that has come, for the transport hands over
 * a body in crumbs. 2. Held are one such piece that is yet to be asked for, and the one that was
 * answered last: the agent may ask for that again, when the answer was lost.
 */
import { CALL_REPLY_BYTES } from "../protocol/limits.ts";

export interface BodyPiece {
  readonly data: Uint8Array;
  /** Nothing follows it. */
  readonly last: boolean;
}

export class CallBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #onBroken: () => void;
  /** Read, and not yet asked for. */
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #hasEnded = false;
  #isReading = false;
  #answered: { readonly sequence: number; readonly piece: BodyPiece } | undefined;
  #waiting: { readonly sequence: number; readonly then: (piece: BodyPiece) => void } | undefined;

  /** `onBroken`: the caller has gone in the middle of it. */
  constructor(body: ReadableStream<Uint8Array>, onBroken: () => void) {
    this.#reader = body.getReader();
    this.#onBroken = onBroken;
  }

  /**
   * `sequence`: counts from 0. Replaces the request before. One beyond the next piece is never
   * answered: by it an agent that has no room for more waits for the caller's end.
   */
  take(sequence: number, then: (piece: BodyPiece) => void): void {
    if (this.#answered?.sequence === sequence) {
      then(this.#answered.piece);
      return;
    }
    this.#waiting = undefined;
    void this.#read();
    if (sequence !== (this.#answered?.sequence ?? -1) + 1) return;
    this.#waiting = { sequence, then };
    this.#answerWaiting();
  }

  /** Nobody asks for more. */
  close(): void {
    this.#waiting = undefined;
    this.#hasEnded = true;
    this.#reader.cancel().catch(() => {});
  }

  #answerWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || (this.#bytes === 0 && !this.#hasEnded)) return;
    this.#waiting = undefined;
    const data = this.#takeBytes();
    const piece = { data, last: this.#hasEnded && this.#bytes === 0 };
    this.#answered = { sequence: waiting.sequence, piece };
    waiting.then(piece);
    void this.#read();
  }

  #takeBytes(): Uint8Array {
    const data = new Uint8Array(Math.min(this.#bytes, CALL_REPLY_BYTES));
    let length = 0;
    while (length < data.length) {
      const chunk = this.#chunks.shift() ?? new Uint8Array();
      const part = chunk.subarray(0, data.length - length);
      data.set(part, length);
      length += part.length;
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
    }
    this.#bytes -= length;
    return data;
  }

  /** Until a piece is full. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (!this.#hasEnded && this.#bytes < CALL_REPLY_BYTES) {
        const { done, value } = await this.#reader.read();
        if (done) this.#hasEnded = true;
        else {
          this.#chunks.push(value);
          this.#bytes += value.length;
        }
        this.#answerWaiting();
      }
    } catch {
      this.#waiting = undefined;
      if (!this.#hasEnded) this.#onBroken();
    } finally {
      this.#isReading = false;
    }
  }
}
