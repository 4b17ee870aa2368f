/**
 * UTF-8 in pure rooms, which have no `TextEncoder`: byte lengths for the limits, and small texts
 * that travel in bytes fields. Bodies and event streams are converted by the platform's encoder and
 * decoder, at its door.
 */

/**
 * Bytes that `text` has in UTF-8. Half a surrogate pair counts as U+FFFD, which is written for it.
 */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    length += code < 0x800 ? 1 : 2;
    // A pair is two units of three bytes each so far; it takes four.
    if (isHighSurrogate(code) && isLowSurrogate(text.charCodeAt(at + 1))) at++;
  }
  return length;
}

/** Half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return bytes;
}

/** Writes `text` as `encodeUtf8` does, from `at` on; there must be room for `utf8Length(text)`. */
export function writeUtf8(text: string, bytes: Uint8Array, at: number): void {
  let length = at;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) {
      bytes[length++] = code;
      continue;
    }
    const scalar = isHighSurrogate(code) || isLowSurrogate(code) ? 0xfffd : code;
    const following = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    // 110, 1110 or 11110 at the top: one bit for every byte of the character, and a zero.
    const marker = (0xff00 >> (following + 1)) & 0xff;
    bytes[length++] = marker | (scalar >> (6 * following));
    for (let left = following - 1; left >= 0; left--) {
      bytes[length++] = 0x80 | ((scalar >> (6 * left)) & 0x3f);
    }
  }
}

/** Code units that become text at once: few enough to be arguments of one call. */
const SLICE = 4_096;

/** `undefined` when the bytes are no UTF-8: cut off, overlong, a surrogate, or beyond U+10FFFF. */
export function decodeUtf8(
  bytes: Uint8Array,
  from = 0,
  to: number = bytes.length,
): string | undefined {
  let text = "";
  // A plain array: as arguments of a call it is several times faster than a typed one.
  const units = new Array<number>(Math.min(to - from, SLICE));
  let count = 0;
  for (let at = from; at < to; ) {
    if (count > SLICE - 2) {
      text += textOfUnits(units, count);
      count = 0;
    }
    const first = bytes[at++] ?? 0;
    if (first < 0x80) {
      units[count++] = first;
      continue;
    }
    const scalar = readScalar(bytes, at, to);
    if (scalar < 0) return undefined;
    at += scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    if (scalar >= 0x10000) units[count++] = 0xd7c0 + (scalar >> 10);
    units[count++] = scalar < 0x10000 ? scalar : 0xdc00 | (scalar & 0x3ff);
  }
  return text + textOfUnits(units, count);
}

/** The first `count` of `units` as text; what stands after them is dropped. */
function textOfUnits(units: number[], count: number): string {
  return String.fromCharCode(...(units.length === count ? units : units.slice(0, count)));
}

/** The character of several bytes whose first stands before `at`; -1 when it is none. */
function readScalar(bytes: Uint8Array, at: number, to: number): number {
  const first = bytes[at - 1] ?? 0;
  const following = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || at + following > to) return -1;
  let scalar = first & (0x3f >> following);
  for (let left = 0; left < following; left++) {
    const next = bytes[at + left] ?? 0;
    if (next >> 6 !== 2) return -1;
    scalar = (scalar << 6) | (next & 0x3f);
  }
  return isScalar(scalar, following) ? scalar : -1;
}

/** Whether `scalar` may be written with `following` bytes after its first. */
function isScalar(scalar: number, following: number): boolean {
  if (following === 1) return scalar >= 0x80;
  if (following === 2) return scalar >= 0x800 && (scalar < 0xd800 || scalar > 0xdfff);
  return scalar >= 0x10000 && scalar <= 0x10ffff;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
