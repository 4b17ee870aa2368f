import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { decodeUtf8, encodeUtf8, utf8Length } from "../../worker/protocol/wire/utf8.ts";

describe("base64", () => {
  test("is the platform's, both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(decodeBase64(text)).toStrictEqual({ ok: true, value: bytes });
      }),
    );
  });

  test("holds for more bytes than one call could turn into text", () => {
    const bytes = Uint8Array.from({ length: 100_001 }, (_, index) => index);
    expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
    expect(decodeBase64(encodeBase64(bytes))).toStrictEqual({ ok: true, value: bytes });
  });

  test.each(["-", "_", "@", "é", "\u0000", "\ud83d"])("has no character %j", (character) => {
    expect(decodeBase64(`aG${character}=`)).toEqual({
      ok: false,
      error: { code: "BAD_CHARACTER", character },
    });
  });

  test("refuses a text that ends in the middle of a byte", () => {
    expect(decodeBase64("a")).toEqual({ ok: false, error: { code: "TRUNCATED" } });
    expect(decodeBase64("aGkh a")).toEqual({ ok: false, error: { code: "TRUNCATED" } });
  });
});

describe("UTF-8", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
  /** Code units of any kind, half pairs among them. */
  const units = fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })))
    .map((codes) => String.fromCharCode(...codes));

  test("is the platform's, also for half surrogate pairs", () => {
    fc.assert(
      fc.property(fc.oneof(text, units), (candidate) => {
        const expected = new Uint8Array(new TextEncoder().encode(candidate));
        expect(encodeUtf8(candidate)).toStrictEqual(expected);
        expect(utf8Length(candidate)).toBe(expected.length);
      }),
    );
  });

  test.each([4_093, 4_094, 4_095, 4_096, 8_190])(
    "is read in slices that cut no pair, after %i",
    (length) => {
      const long = `${"a".repeat(length)}é\u20ac\u{1f600}\u{1f600}${"b".repeat(9_000)}`;
      expect(decodeUtf8(encodeUtf8(long))).toBe(long);
      const bytes = encodeUtf8(`xx${long}yy`);
      expect(decodeUtf8(bytes, 2, bytes.length - 2)).toBe(long);
    },
  );

  test("is read back as it was written", () => {
    fc.assert(
      fc.property(text, (candidate) => {
        expect(decodeUtf8(encodeUtf8(candidate))).toBe(candidate);
      }),
    );
  });

  test("is accepted exactly when the platform accepts it", () => {
    const byte = fc.oneof(
      fc.constantFrom(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf),
      fc.constantFrom(0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf3, 0xf4, 0xf5, 0xff),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 6 }), (bytes) => {
        expect(decodeUtf8(Uint8Array.from(bytes))).toBe(decoded(bytes));
      }),
      { numRuns: 5_000 },
    );
  });
});

function decoded(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes),
    );
  } catch {
    return undefined;
  }
}
