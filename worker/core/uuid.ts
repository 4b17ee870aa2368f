import type { Prng } from "../std/prng.ts";

/** A version 4 UUID from a seeded source, so that a replay makes the same one. */
export function uuid(random: Prng): string {
  const digits = Array.from({ length: 32 }, () => random.below(16).toString(16));
  digits[12] = "4";
  digits[16] = (8 + random.below(4)).toString(16);
  const text = digits.join("");
  const parts = [
    text.slice(0, 8),
    text.slice(8, 12),
    text.slice(12, 16),
    text.slice(16, 20),
    text.slice(20),
  ];
  return parts.join("-");
}

/** The 16 bytes of a version 4 UUID from a seeded source. */
export function uuidBytes(random: Prng): Uint8Array {
  const bytes = Uint8Array.from({ length: 16 }, () => random.below(256));
  bytes[6] = 0x40 | random.below(16);
  bytes[8] = 0x80 | random.below(64);
  return bytes;
}
