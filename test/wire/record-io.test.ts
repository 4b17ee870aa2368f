import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  describeRecordError,
  encodeRecord,
  RecordDecoder,
  type RecordError,
} from "../../worker/protocol/wire/record-io.ts";

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** All records and the outcome of a stream that came in these chunks. */
function decode(chunks: readonly Uint8Array[], limit = 100) {
  const decoder = new RecordDecoder(limit);
  const records: string[] = [];
  let error: RecordError | undefined;
  for (const chunk of chunks) {
    const decoded = decoder.push(chunk);
    records.push(...decoded.records.map((record) => new TextDecoder().decode(record)));
    error ??= decoded.error;
  }
  return { records, error, end: decoder.end() };
}

describe("a record", () => {
  test("is its length in bytes, a line feed and its content", () => {
    expect(encodeRecord(ascii('{"type":"HEARTBEAT"}'))).toEqual(ascii('20\n{"type":"HEARTBEAT"}'));
    expect(encodeRecord(ascii("é"))).toEqual(ascii("2\né"));
    expect(encodeRecord(ascii(""))).toEqual(ascii("0\n"));
  });
});

describe("a stream of records", () => {
  test("is taken apart the same, wherever its chunks are cut", () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 });
    const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 });
    fc.assert(
      fc.property(contents, cuts, (originals, lengths) => {
        const bytes = Uint8Array.from(originals.flatMap((each) => [...encodeRecord(each)]));
        const decoder = new RecordDecoder(30);
        const records: Uint8Array[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut++) {
          const length = lengths[cut % lengths.length] ?? 1;
          const chunk = bytes.slice(at, at + length);
          records.push(...decoder.push(chunk).records);
          chunk.fill(0);
          at += length;
        }
        expect(records).toStrictEqual(originals);
        expect(decoder.end()).toEqual({ ok: true, value: undefined });
      }),
    );
  });

  test("may have a record that is exactly as long as the limit, and none longer", () => {
    expect(decode([ascii("3\nabc")], 3)).toMatchObject({ records: ["abc"], end: { ok: true } });
    const error = { code: "RECORD_TOO_LONG", length: 4, limit: 3 };
    expect(decode([ascii("4\n")], 3)).toEqual({ records: [], error, end: { ok: false, error } });
  });

  const malformed: readonly (readonly [stream: string, text: string])[] = [
    ["\n", "\n"],
    ["x", "x"],
    ["-1\na", "-"],
    ["1x\na", "1x"],
    [" 1\na", " "],
    ["1\r\na", "1\r"],
    ["0x1\na", "0x"],
    ["1234567890123456\n", "1234567890123456"],
  ];
  test.each(malformed)("is lost at %j, where a length should be", (stream, text) => {
    const error = { code: "RECORD_LENGTH_MALFORMED", text };
    const decoded = decode([ascii(`2\nok${stream}`), ascii("2\nok")]);
    expect(decoded).toEqual({ records: ["ok"], error, end: { ok: false, error } });
  });

  test("may end between two records only", () => {
    expect(decode([]).end).toEqual({ ok: true, value: undefined });
    expect(decode([ascii("0\n")])).toMatchObject({ records: [""], end: { ok: true } });
    expect(decode([ascii("1")]).end).toEqual({
      ok: false,
      error: { code: "RECORD_CUT_OFF", missing: undefined },
    });
    expect(decode([ascii("5\n"), ascii("abc")]).end).toEqual({
      ok: false,
      error: { code: "RECORD_CUT_OFF", missing: 2 },
    });
  });

  test("says in a sentence what is wrong with it", () => {
    const errors: readonly RecordError[] = [
      { code: "RECORD_LENGTH_MALFORMED", text: "<html" },
      { code: "RECORD_TOO_LONG", length: 4, limit: 3 },
      { code: "RECORD_CUT_OFF", missing: 2 },
      { code: "RECORD_CUT_OFF", missing: undefined },
    ];
    expect(errors.map(describeRecordError)).toEqual([
      expect.stringContaining("'<html' stands where the length"),
      expect.stringContaining("4 bytes; at most 3"),
      expect.stringContaining("2 bytes before the end"),
      expect.stringContaining("middle of a record's length"),
    ]);
  });
});
