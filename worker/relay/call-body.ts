/**
 * The body of an operator's call, read no faster than its agent asks for it.
 *
 * 1. At most one chunk of the transport is held, and the piece that was answered last: the agent
 * may ask for that again, when the answer was lost. 2. A piece has at most `CALL_REPLY_BYTES`.
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
  #rest: Uint8Array = new Uint8Array();
  #hasEnded = false;
  #answered: { readonly sequence: number; readonly piece: BodyPiece } | undefined;
  #waiting: { readonly sequence: number; readonly then: (piece: BodyPiece) => void } | undefined;
  #isReading = false;

  /** `onBroken`: the caller has gone in the middle of it. */
  constructor(body: ReadableStream<Uint8Array>, onBroken: () => void) {
    this.#reader = body.getReader();
    this.#onBroken = onBroken;
  }

  /** `sequence`: counts from 0. Replaces the request before. */
  take(sequence: number, then: (piece: BodyPiece) => void): void {
    if (this.#answered?.sequence === sequence) {
      then(this.#answered.piece);
      return;
    }
    this.#waiting = { sequence, then };
    this.#answerWaiting();
    if (this.#waiting !== undefined && !this.#isReading) void this.#read();
  }

  /** Nobody asks for more. */
  close(): void {
    this.#waiting = undefined;
    this.#reader.cancel().catch(() => {});
  }

  #answerWaiting(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || (this.#rest.length === 0 && !this.#hasEnded)) return;
    this.#waiting = undefined;
    const data = this.#rest.subarray(0, CALL_REPLY_BYTES);
    this.#rest = this.#rest.subarray(data.length);
    const last = this.#hasEnded && this.#rest.length === 0;
    this.#answered = { sequence: waiting.sequence, piece: { data, last } };
    waiting.then({ data, last });
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      const { done, value } = await this.#reader.read();
      if (done) this.#hasEnded = true;
      else this.#rest = value;
      this.#isReading = false;
      this.#answerWaiting();
      // An empty chunk is no end.
      if (this.#waiting !== undefined) void this.#read();
    } catch {
      this.#waiting = undefined;
      this.#onBroken();
    }
  }
}
