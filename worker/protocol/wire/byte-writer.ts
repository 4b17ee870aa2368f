/**
 * Writes the primitives of binary protobuf **from the back to the front**: whoever writes a message
 * writes its last field first, and a value before its tag. So the length of a message is known when
 * it has to be written, in front of it, without a pass to count or a gap to fill.
 *
 * Knows no descriptors. Asserts nothing about values: the encoder does.
 */
import { utf8Length, writeUtf8 } from "./utf8.ts";

const FIRST_CAPACITY = 16 * 1024;
/** Longest varint, and longer than every other primitive. */
const PRIMITIVE_BYTES = 10;

export class ByteWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #view = new DataView(this.#bytes.buffer);
  /** What is written stands from here to the end. */
  #at = FIRST_CAPACITY;

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy of the last `length` bytes that were written, which are the first of the message. */
  copy(length: number): Uint8Array {
    return this.#bytes.slice(this.#at, this.#at + length);
  }

  /** `value`: 0 … 2^32 - 1. */
  uint32(value: number): void {
    if (this.#at < PRIMITIVE_BYTES) this.#grow(PRIMITIVE_BYTES);
    if (value < 0x80) {
      this.#bytes[--this.#at] = value;
      return;
    }
    const size = value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
    this.#at -= size;
    let rest = value;
    for (let at = this.#at; at < this.#at + size - 1; at++) {
      this.#bytes[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at + size - 1] = rest;
  }

  /** `value`: -2^31 … 2^31 - 1; a negative one takes 10 bytes, as if it had 64 bits. */
  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.#uint64(BigInt.asUintN(64, BigInt(value)));
  }

  /** `value`: -2^63 … 2^64 - 1. */
  integer64(value: bigint): void {
    const small = Number(value);
    if (small >= 0 && small <= 0xffffffff) this.uint32(small);
    else this.#uint64(BigInt.asUintN(64, value));
  }

  double(value: number): void {
    if (this.#at < PRIMITIVE_BYTES) this.#grow(PRIMITIVE_BYTES);
    this.#at -= 8;
    this.#view.setFloat64(this.#at, value, true);
  }

  /** Without its length. */
  bytes(value: Uint8Array): void {
    if (this.#at < value.length) this.#grow(value.length);
    this.#at -= value.length;
    this.#bytes.set(value, this.#at);
  }

  /** UTF-8 with its length; half a surrogate pair becomes U+FFFD. */
  string(value: string): void {
    const { length } = value;
    if (this.#at < length) this.#grow(length);
    const start = this.#at - length;
    let ascii = 0;
    while (ascii < length) {
      const code = value.charCodeAt(ascii);
      if (code >= 0x80) break;
      this.#bytes[start + ascii++] = code;
    }
    if (ascii === length) {
      this.#at = start;
      this.uint32(length);
      return;
    }
    const size = utf8Length(value);
    if (this.#at < size) this.#grow(size);
    this.#at -= size;
    writeUtf8(value, this.#bytes, this.#at);
    this.uint32(size);
  }

  /** Any 64 bits, as an unsigned integer above 2^32. */
  #uint64(value: bigint): void {
    if (this.#at < PRIMITIVE_BYTES) this.#grow(PRIMITIVE_BYTES);
    let low = Number(value & 0xffffffffn);
    let high = Number(value >> 32n);
    const encoded: number[] = [];
    while (high > 0 || low >= 0x80) {
      encoded.push((low & 0x7f) | 0x80);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    encoded.push(low);
    this.#at -= encoded.length;
    this.#bytes.set(encoded, this.#at);
  }

  #grow(needed: number): void {
    const { length } = this;
    const grown = new Uint8Array(2 * (this.#bytes.length + needed));
    grown.set(this.#bytes.subarray(this.#at), grown.length - length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
    this.#at = grown.length - length;
  }
}
