import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REQUEST_JSON } from "../../worker/protocol/limits.ts";
import { parseJson } from "../../worker/protocol/wire/json-text.ts";

function parse(text: string): unknown {
  const parsed = parseJson(text, REQUEST_JSON);
  return parsed.ok ? parsed.value : parsed.error;
}

/** An integer that sends any text through the exact parser. */
const LONG = "9007199254740993";

describe("parseJson", () => {
  test("keeps integers exactly and makes doubles of everything else", () => {
    expect(parse(`[${LONG},-${LONG},1e3,0.5,-0,12345678901234567.5,1]`)).toStrictEqual([
      9007199254740993n,
      -9007199254740993n,
      1000,
      0.5,
      -0,
      Number("12345678901234567.5"),
      1,
    ]);
  });

  const malformed: readonly (readonly [text: string, offset: number])[] = [
    ["", 0],
    [" ", 1],
    ["{", 1],
    ["[", 1],
    ["[1,]", 3],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ["{a:1}", 1],
    ["[1 2]", 3],
    ["tru", 0],
    ["nulll", 4],
    ["NaN", 0],
    ["infinity", 0],
    ["+1", 0],
    ["01", 1],
    ["1.", 1],
    [".5", 0],
    ["1e", 1],
    ["-", 0],
    ["0x10", 1],
    ['"', 0],
    ['"a\\', 0],
    ['"\\x41"', 0],
    ['"\\u12"', 0],
    ['"a\nb"', 0],
    ["'a'", 0],
    ["1 // one", 2],
    ["\ufeff1", 0],
    ["]", 0],
    ["[1e999]", 1],
    ["[-1e999]", 1],
  ];
  test.each(malformed)("says where %j stops being JSON", (text, offset) => {
    expect(parse(text)).toMatchObject({ code: "JSON_MALFORMED", offset });
  });

  test.each(malformed)("says it of %j also beside a long integer", (text) => {
    expect(parse(`[${LONG},${text}`)).toMatchObject({ code: "JSON_MALFORMED" });
  });

  test("refuses an integer of a million digits at once", () => {
    expect(parse("9".repeat(1_000_000))).toMatchObject({ code: "JSON_MALFORMED", offset: 0 });
  });

  test("makes an own property of __proto__, in both parsers", () => {
    for (const text of ['{"__proto__":{"a":1}}', `{"__proto__":{"a":1},"b":${LONG}}`]) {
      const value = parse(text);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.getOwnPropertyDescriptor(value, "__proto__")?.value).toEqual({ a: 1 });
    }
    expect("a" in {}).toBe(false);
  });

  test("is linear in backslashes and quotes", () => {
    const text = `["${'\\\\\\"'.repeat(500_000)}",${LONG}]`;
    expect(parse(text)).toStrictEqual(['\\"'.repeat(500_000), BigInt(LONG)]);
  });

  test("both parsers make the same of every JSON text", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const expected: unknown = JSON.parse(text, exactIntegers);
        expect(parse(text)).toStrictEqual(expected);
        expect(parse(`[${LONG},${text}]`)).toStrictEqual([BigInt(LONG), expected]);
      }),
    );
  });

  test("both parsers accept exactly what JSON.parse accepts", () => {
    const piece = fc.constantFrom(...'{}[],:"\\ 01-.eEu\n', "null", "true", '"a"', "\\u00e9");
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, (candidate) => {
        const isJson = accepts(() => JSON.parse(candidate));
        expect(parseJson(candidate, REQUEST_JSON).ok).toBe(isJson);
        expect(parseJson(`[${LONG},${candidate}]`, REQUEST_JSON).ok).toBe(
          accepts(() => JSON.parse(`[0,${candidate}]`)),
        );
      }),
      { numRuns: 3_000 },
    );
  });
});

/**
 * What `JSON.stringify` writes without fraction or exponent, although a double might not keep it.
 */
function exactIntegers(_key: string, value: unknown): unknown {
  const isLong =
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isLong && Math.abs(value) < 1e21 ? BigInt(String(value)) : value;
}

function accepts(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
