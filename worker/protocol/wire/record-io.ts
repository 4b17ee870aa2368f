/**
 * RecordIO: the framing of every event stream. A record is its length in bytes as decimal ASCII, a
 * line feed, and that many bytes; nothing stands between records.
 *
 * Works on bytes and knows nothing of what is in a record. A reader may not assume that a chunk of
 * the transport is a record; a writer should all the same send one record per write, because some
 * clients do.
 */
import { unreachable } from "../../std/assert.ts";
import { err, ok, type Result } from "../../std/result.ts";

const LINE_FEED = 0x0a;
const ZERO = 0x30;
const NINE = 0x39;
/** Digits of a length line; 16 are beyond any limit and still exact as a number. */
const LENGTH_DIGITS = 15;

export type RecordError =
  /** `text`: what stands where the decimal length should be. */
  | { readonly code: "RECORD_LENGTH_MALFORMED"; readonly text: string }
  /** `length`, `limit`: bytes. */
  | { readonly code: "RECORD_TOO_LONG"; readonly length: number; readonly limit: number }
  /**
   * The stream ended inside a record. `missing`: bytes; undefined when even its length is
   * incomplete.
   */
  | { readonly code: "RECORD_CUT_OFF"; readonly missing: number | undefined };

/** The bytes of one record, length line included. */
export function encodeRecord(content: Uint8Array): Uint8Array {
  const digits = String(content.length);
  const record = new Uint8Array(digits.length + 1 + content.length);
  for (let at = 0; at < digits.length; at++) record[at] = digits.charCodeAt(at);
  record[digits.length] = LINE_FEED;
  record.set(content, digits.length + 1);
  return record;
}

/**
 * What one chunk completed. After an error the stream is lost: every later chunk gives the same
 * error.
 */
export interface DecodedRecords {
  readonly records: readonly Uint8Array[];
  readonly error?: RecordError;
}

/**
 * Takes a stream apart, chunk by chunk, wherever the chunks are cut. Keeps at most one record, and
 * only the bytes of it that have arrived: a length line alone costs nothing.
 */
export class RecordDecoder {
  readonly #limit: number;
  /** Digits of the length line as far as they have arrived. */
  #digits = "";
  /** Bytes that the record has still to get; undefined while its length line is incomplete. */
  #missing: number | undefined;
  #pieces: Uint8Array[] = [];
  #error: RecordError | undefined;

  /** `limit`: bytes of the longest record that is accepted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The records are copies: the caller may reuse the chunk's memory. */
  push(chunk: Uint8Array): DecodedRecords {
    const records: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length && this.#error === undefined) {
      if (this.#missing === undefined) {
        this.#takeDigit(chunk[at++] ?? 0);
      } else {
        const piece = chunk.slice(at, at + this.#missing);
        this.#pieces.push(piece);
        this.#missing -= piece.length;
        at += piece.length;
      }
      // Also when the chunk ends here: a record of length 0 is complete with its length line.
      if (this.#missing === 0) records.push(this.#takeRecord());
    }
    return this.#error === undefined ? { records } : { records, error: this.#error };
  }

  /** Says whether the stream may end here, between two records. */
  end(): Result<void, RecordError> {
    if (this.#error !== undefined) return err(this.#error);
    if (this.#digits === "" && this.#missing === undefined) return ok(undefined);
    return err({ code: "RECORD_CUT_OFF", missing: this.#missing });
  }

  #takeDigit(byte: number): void {
    if (byte >= ZERO && byte <= NINE && this.#digits.length < LENGTH_DIGITS) {
      this.#digits += String.fromCharCode(byte);
      return;
    }
    if (byte !== LINE_FEED || this.#digits === "") {
      const text = this.#digits + String.fromCharCode(byte);
      this.#error = { code: "RECORD_LENGTH_MALFORMED", text };
      return;
    }
    const length = Number(this.#digits);
    this.#digits = "";
    if (length > this.#limit) {
      this.#error = { code: "RECORD_TOO_LONG", length, limit: this.#limit };
      return;
    }
    this.#missing = length;
  }

  #takeRecord(): Uint8Array {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#missing = undefined;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) return only;
    const record = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      record.set(piece, at);
      at += piece.length;
    }
    return record;
  }
}

/** One sentence for whoever reads the log of a stream. */
export function describeRecordError(error: RecordError): string {
  switch (error.code) {
    case "RECORD_LENGTH_MALFORMED":
      return (
        `The stream is not RecordIO: '${error.text}' stands where the length ` +
        "of a record should be."
      );
    case "RECORD_TOO_LONG":
      return (
        `The stream announces a record of ${error.length} bytes; at most ` +
        `${error.limit} are accepted.`
      );
    case "RECORD_CUT_OFF":
      return error.missing === undefined
        ? "The stream ended in the middle of a record's length."
        : `The stream ended ${error.missing} bytes before the end of a record.`;
    default:
      return unreachable(error);
  }
}
