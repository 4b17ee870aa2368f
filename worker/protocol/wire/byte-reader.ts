/**
 * Reads the primitives of binary protobuf, within bounds, and never throws.
 *
 * The first mistake is kept in `error` and ends everything: nothing `hasMore`, so that every loop
 * over a message stops, and what the methods return from then on means nothing. Whoever called them
 * looks at `error` and adds its step to `path` on the way out, innermost first: a message without
 * mistakes pays for no path.
 *
 * Knows no descriptors.
 */
import type { ProtobufLimits } from "../limits.ts";
import type { DecodeError } from "./decode-error.ts";
import type { PathStep } from "./decode-path.ts";
import { decodeUtf8 } from "./utf8.ts";

/** The low three bits of a tag: how long what follows it is. */
export const VARINT = 0;
export const FIXED_64 = 1;
export const DELIMITED = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED_32 = 5;

/** Bytes of a varint of 64 bits. */
const VARINT_BYTES = 10;

/** A mistake without its place, which is known only on the way out. */
export type Fault = DecodeError extends infer E
  ? E extends { readonly path: string }
    ? Omit<E, "path">
    : never
  : never;

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #limits: ProtobufLimits;
  #at = 0;
  #end: number;
  #depth = 0;
  #values = 0;
  #low = 0;
  #high = 0;
  #error: Fault | undefined;
  /** Where the mistake is, innermost step first. */
  readonly path: PathStep[] = [];
  /** Messages that lacked a required field when they ended; a later part of them may bring it. */
  incomplete = 0;

  constructor(bytes: Uint8Array, limits: ProtobufLimits) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#limits = limits;
    this.#end = bytes.length;
  }

  get error(): Fault | undefined {
    return this.#error;
  }

  /** Whether the innermost message goes on. */
  get hasMore(): boolean {
    return this.#at < this.#end;
  }

  fail(error: Fault): void {
    this.#error ??= error;
    this.#end = 0;
  }

  /** Counts a value that will be kept. */
  countValue(): void {
    if (++this.#values > this.#limits.values) {
      this.fail({ code: "PROTOBUF_TOO_MANY_VALUES", limit: this.#limits.values });
    }
  }

  /** Field number × 8 + wire type. */
  tag(): number {
    const start = this.#at;
    // Nearly all tags have one byte.
    const first = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0x80;
    if (first < 0x80) this.#at++;
    else this.#varint();
    const tag = first < 0x80 ? first : this.#low;
    const isWhole = first < 0x80 || this.#high === 0;
    if (!isWhole || tag >>> 3 === 0) this.#malformed("the number of a field", start);
    return tag;
  }

  /**
   * Goes into what has its length in front: the innermost message is this one until `leave`, which
   * takes what `enter` returned.
   */
  enter(): number {
    const outer = this.#end;
    const length = this.#length();
    if (++this.#depth >= this.#limits.depth) this.#tooDeep();
    if (this.#error === undefined) this.#end = this.#at + length;
    return outer;
  }

  leave(outer: number): void {
    this.#depth--;
    if (this.#error === undefined) this.#end = outer;
  }

  /** Goes past what stands behind a tag that nobody knows. */
  skip(tag: number): void {
    const groups = [];
    for (let next = tag; this.#error === undefined; next = this.tag()) {
      const type = next & 7;
      if (type === GROUP_START) {
        groups.push(next >>> 3);
        if (this.#depth + groups.length >= this.#limits.depth) this.#tooDeep();
      } else if (type === GROUP_END) {
        if (groups.pop() !== next >>> 3) this.#malformed("a field, not the end of a group");
      } else {
        this.#skipValue(type);
      }
      if (groups.length === 0) return;
    }
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  uint32(): number {
    this.#varint();
    return this.#low >>> 0;
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  uint64(): bigint {
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low >>> 0);
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  int64(): bigint {
    this.#varint();
    if (this.#high === 0) return BigInt(this.#low >>> 0);
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low >>> 0);
  }

  double(): number {
    const at = this.#take(8);
    return this.#error === undefined ? this.#view.getFloat64(at, true) : 0;
  }

  /** A copy: the caller may reuse the message's memory. */
  bytes(): Uint8Array {
    const at = this.#take(this.#length());
    return this.#bytes.slice(at, this.#at);
  }

  string(): string {
    const at = this.#take(this.#length());
    const text = decodeUtf8(this.#bytes, at, this.#at);
    if (text === undefined) this.fail({ code: "TEXT_NOT_UTF8" });
    return text ?? "";
  }

  #skipValue(type: number): void {
    if (type === VARINT) this.#varint();
    else if (type === FIXED_64) this.#take(8);
    else if (type === DELIMITED) this.#take(this.#length());
    else if (type === FIXED_32) this.#take(4);
    else this.#malformed("a field of a known kind");
  }

  /** Where the `length` bytes begin that are gone past; none are when there are fewer. */
  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) this.#malformed(`${length} more bytes`);
    else this.#at += length;
    return at;
  }

  #length(): number {
    this.#varint();
    const length = this.#low >>> 0;
    if (this.#high === 0 && length <= this.#end - this.#at) return length;
    this.#malformed("as many bytes as the length says");
    return 0;
  }

  /** Into `#low` and `#high`; bits beyond the 64th are dropped, as every parser does. */
  #varint(): void {
    const bytes = this.#bytes;
    const last = Math.min(this.#end, this.#at + VARINT_BYTES);
    let low = 0;
    let high = 0;
    let shift = 0;
    for (let at = this.#at; at < last; at++) {
      const byte = bytes[at] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift > 24) high |= shift < 32 ? bits >>> (32 - shift) : bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low;
        this.#high = high;
        this.#at = at + 1;
        return;
      }
      shift += 7;
    }
    this.#malformed("a whole number of at most 10 bytes");
  }

  #tooDeep(): void {
    this.fail({ code: "PROTOBUF_TOO_DEEP", limit: this.#limits.depth });
  }

  #malformed(expected: string, offset = this.#at): void {
    this.fail({ code: "PROTOBUF_MALFORMED", offset, expected });
  }
}
