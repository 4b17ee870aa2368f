/**
 * Cuts an event stream back into RecordIO records, so that each leaves as one HTTP chunk.
 *
 * workerd splits large records at buffer edges and may hand over several small ones at once; Mesos
 * writes one record per chunk, and clients exist that rely on it (erl_mesos). Bytes are only
 * regrouped, never changed: whatever does not look like RecordIO passes as it came.
 *
 * 1. What comes out, joined, is what went in.
 * 2. At most `maxRecordBytes` plus one piece of input are held back.
 */

/** A decimal length and a line feed; longer ones are no RecordIO (2^53 has 16 digits). */
const MAX_PREFIX_BYTES = 17;
const LINE_FEED = 10;
const DIGIT_0 = 48;
const DIGIT_9 = 57;

type State =
  /** Collects one record; `wanted` bytes with its prefix, once the prefix has been read. */
  | { readonly kind: "RECORD"; readonly wanted: number | undefined }
  /** Passes the rest of a record that is too large to hold. */
  | { readonly kind: "LARGE"; readonly remaining: number }
  /** No RecordIO: passes everything. */
  | { readonly kind: "OPAQUE" };

export class RecordChunks {
  readonly #maxRecordBytes: number;
  #state: State = { kind: "RECORD", wanted: undefined };
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
  }

  /** The pieces to write now, each one a chunk of its own. */
  push(piece: Buffer): readonly Buffer[] {
    const out: Buffer[] = [];
    let rest = piece;
    while (rest.length > 0) rest = rest.subarray(this.#take(rest, out));
    return out;
  }

  /** Whether the stream would end inside a record. */
  get isTorn(): boolean {
    return this.#heldBytes > 0 || this.#state.kind === "LARGE";
  }

  /** What is left when the stream ends inside a record. */
  end(): readonly Buffer[] {
    return this.#heldBytes === 0 ? [] : [this.#release()];
  }

  /** Uses up some of `piece` (at least one byte) and answers how much. */
  #take(piece: Buffer, out: Buffer[]): number {
    const state = this.#state;
    if (state.kind === "OPAQUE") {
      out.push(piece);
      return piece.length;
    }
    if (state.kind === "LARGE") {
      const part = piece.subarray(0, state.remaining);
      out.push(part);
      const remaining = state.remaining - part.length;
      this.#state =
        remaining === 0 ? { kind: "RECORD", wanted: undefined } : { kind: "LARGE", remaining };
      return part.length;
    }
    if (state.wanted === undefined) return this.#takePrefix(piece, out);
    const part = piece.subarray(0, state.wanted - this.#heldBytes);
    this.#hold(part);
    if (this.#heldBytes === state.wanted) {
      out.push(this.#release());
      this.#state = { kind: "RECORD", wanted: undefined };
    }
    return part.length;
  }

  #takePrefix(piece: Buffer, out: Buffer[]): number {
    const before = Buffer.concat(this.#held);
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at];
      const position = before.length + at;
      if (byte === LINE_FEED && position > 0) {
        const prefix = before.toString("latin1") + piece.toString("latin1", 0, at);
        this.#hold(piece.subarray(0, at + 1));
        this.#startRecord(position + 1 + Number(prefix), out);
        return at + 1;
      }
      const digit = byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;
      if (!digit || position >= MAX_PREFIX_BYTES) {
        this.#hold(piece);
        out.push(this.#release());
        this.#state = { kind: "OPAQUE" };
        return piece.length;
      }
    }
    this.#hold(piece);
    return piece.length;
  }

  #startRecord(wanted: number, out: Buffer[]): void {
    if (wanted > this.#maxRecordBytes) {
      const remaining = wanted - this.#heldBytes;
      out.push(this.#release());
      this.#state = { kind: "LARGE", remaining };
    } else if (wanted === this.#heldBytes) {
      out.push(this.#release());
    } else {
      this.#state = { kind: "RECORD", wanted };
    }
  }

  #hold(piece: Buffer): void {
    this.#held.push(piece);
    this.#heldBytes += piece.length;
  }

  #release(): Buffer {
    const [first] = this.#held;
    const whole =
      this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }
}
