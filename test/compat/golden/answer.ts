/**
 * HTTP answers as bytes: what a recording holds and what the live master sends are read by the same
 * code. Knows chunks, because event streams promise one record a chunk.
 */
import { gunzipSync } from "node:zlib";

export interface AnswerHead {
  readonly statusLine: string;
  readonly status: number;
  /** In the order and the spelling of the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Reads one answer from bytes that come in pieces. */
export class AnswerReader {
  head: AnswerHead | undefined;
  /** Of a chunked body: its chunks. Of another: one, as far as it came. */
  readonly chunks: Buffer[] = [];
  /** The whole answer is there, so far as it says how long it is. */
  isComplete = false;
  readonly #isHead: boolean;
  #rest = Buffer.alloc(0);

  constructor({ isHead }: { isHead: boolean }) {
    this.#isHead = isHead;
  }

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.head === undefined) this.#readHead();
    if (this.head === undefined) return;
    if (this.isChunked()) this.#readChunks();
    else this.#readPlain();
  }

  isChunked(): boolean {
    return headerOf(this.head, "Transfer-Encoding")?.toLowerCase() === "chunked";
  }

  /** The body so far, with the transfer encoding and the content encoding undone. */
  body(): Buffer {
    const bytes = Buffer.concat(this.chunks);
    return headerOf(this.head, "Content-Encoding") === "gzip" ? gunzipSync(bytes) : bytes;
  }

  #readHead(): void {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    const [statusLine = "", ...lines] = this.#rest.toString("latin1", 0, end).split("\r\n");
    this.#rest = this.#rest.subarray(end + 4);
    const headers = lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
    this.head = { statusLine, status: Number(statusLine.split(" ")[1]), headers };
  }

  #readPlain(): void {
    const length = Number(headerOf(this.head, "Content-Length") ?? Number.POSITIVE_INFINITY);
    if (this.#rest.length > 0) this.chunks.push(this.#rest);
    this.#rest = Buffer.alloc(0);
    const got = this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    // A recorded answer is followed by the line end of the file that it is in.
    if (got > length) {
      const all = Buffer.concat(this.chunks).subarray(0, length);
      this.chunks.splice(0, this.chunks.length, all);
    }
    // The answer to HEAD has no body by the rules, but a real Mesos sends one.
    this.isComplete = !this.#isHead && got >= length;
  }

  #readChunks(): void {
    for (;;) {
      const end = this.#rest.indexOf("\r\n");
      if (end < 0) return;
      const size = Number.parseInt(this.#rest.toString("latin1", 0, end), 16);
      if (size === 0) {
        this.isComplete = true;
        return;
      }
      if (this.#rest.length < end + 2 + size + 2) return;
      this.chunks.push(this.#rest.subarray(end + 2, end + 2 + size));
      this.#rest = this.#rest.subarray(end + 2 + size + 2);
    }
  }
}

export function headerOf(head: AnswerHead | undefined, name: string): string | undefined {
  return head?.headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
}

/**
 * The records of a RecordIO body: a length in decimal, a line feed, that many bytes; the last one
 * may be cut.
 */
export function splitRecords(body: Buffer): readonly Buffer[] {
  const records: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf(10, at);
    if (lineEnd < 0) return records;
    const length = Number(body.toString("latin1", at, lineEnd));
    if (!Number.isInteger(length) || lineEnd + 1 + length > body.length) return records;
    records.push(body.subarray(lineEnd + 1, lineEnd + 1 + length));
    at = lineEnd + 1 + length;
  }
}
