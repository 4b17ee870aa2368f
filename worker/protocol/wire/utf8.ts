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
  let length = 0;
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
  return bytes;
}

/** `undefined` when the bytes are no UTF-8: cut off, overlong, a surrogate, or beyond U+10FFFF. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++] ?? 0;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const following = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || at + following > bytes.length) return undefined;
    let scalar = first & (0x3f >> following);
    for (let left = following; left > 0; left--) {
      const next = bytes[at++] ?? 0;
      if (next >> 6 !== 2) return undefined;
      scalar = (scalar << 6) | (next & 0x3f);
    }
    if (!isScalar(scalar, following)) return undefined;
    text += String.fromCodePoint(scalar);
  }
  return text;
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
