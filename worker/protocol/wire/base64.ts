/**
 * Standard base64 (RFC 4648, section 4) over `Uint8Array`, without the platform: pure rooms have no
 * `atob`.
 *
 * Reading is as lenient as Mesos: blanks are skipped and everything from the first `=` on is
 * ignored.
 */
import { err, ok, type Result } from "../../std/result.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = "=".charCodeAt(0);
const BLANK = -2;
const BAD = -1;

/** Code of a character to its six bits, by the alphabet's position. */
const codeOf = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const bitsOf = new Int8Array(128).fill(BAD);
for (let bits = 0; bits < ALPHABET.length; bits++) bitsOf[codeOf[bits] ?? 0] = bits;
for (const blank of " \t\n\v\f\r") bitsOf[blank.charCodeAt(0)] = BLANK;

/** Characters turned into text at once: few enough to be arguments of one call. */
const SLICE = 8_190;

export type Base64Error =
  | { readonly code: "BAD_CHARACTER"; readonly character: string }
  /** One character is left over: six bits make no byte. */
  | { readonly code: "TRUNCATED" };

/** With padding. */
export function encodeBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let at = 0;
  for (let from = 0; from < bytes.length; from += 3) {
    const left = bytes.length - from;
    const bits =
      ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    codes[at++] = codeOf[bits >> 18] ?? PAD;
    codes[at++] = codeOf[(bits >> 12) & 63] ?? PAD;
    codes[at++] = left > 1 ? (codeOf[(bits >> 6) & 63] ?? PAD) : PAD;
    codes[at++] = left > 2 ? (codeOf[bits & 63] ?? PAD) : PAD;
  }
  let text = "";
  for (let from = 0; from < codes.length; from += SLICE) {
    text += Reflect.apply(String.fromCharCode, undefined, codes.subarray(from, from + SLICE));
  }
  return text;
}

export function decodeBase64(text: string): Result<Uint8Array, Base64Error> {
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let length = 0;
  let bits = 0;
  let bitCount = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === PAD) break;
    const six = bitsOf[code] ?? BAD;
    if (six === BLANK) continue;
    if (six === BAD) return err({ code: "BAD_CHARACTER", character: text.charAt(at) });
    bits = ((bits << 6) | six) & 0xfff;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[length++] = bits >> bitCount;
  }
  if (bitCount === 6) return err({ code: "TRUNCATED" });
  return ok(bytes.slice(0, length));
}
