/** Numbers as texts, and numbers by numbers. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { NumberMap } from "../../worker/std/number-map.ts";
import {
  readAscending,
  readDigits,
  writeAscending,
  writeDigits,
} from "../../worker/std/number-text.ts";

const ascending = fc
  .uniqueArray(fc.oneof(fc.nat(40), fc.nat(2_000), fc.nat(5_000_000)), { maxLength: 200 })
  .map((numbers) => numbers.sort((a, b) => a - b));

test("ascending numbers are read as they were written", () => {
  fc.assert(
    fc.property(ascending, (numbers) => {
      const text = writeAscending(numbers);
      expect(readAscending(text)).toEqual(numbers);
      expect(JSON.stringify(text)).toHaveLength(text.length + 2);
    }),
  );
});

test("digits of any base are read as they were written", () => {
  const digits = fc.integer({ min: 2, max: 5_000 }).chain((base) =>
    fc.tuple(
      fc.constant(base),
      fc.array(fc.nat(base - 1)).filter((each) => each.length > 0),
    ),
  );
  fc.assert(
    fc.property(digits, ([base, numbers]) => {
      const text = writeDigits(numbers, base);
      expect(readDigits(text, base, numbers.length)).toEqual(numbers);
    }),
  );
});

test("six digits of two kinds take one character", () => {
  expect(writeDigits([0, 1, 1, 0, 1, 0, 1], 2)).toHaveLength(2);
  expect(writeDigits([2, 0, 1, 2], 3)).toHaveLength(2);
});

test("a run of any length takes a few characters, and a gap below 72 takes one", () => {
  expect(writeAscending(Array.from({ length: 50_000 }, (_, at) => at)).length).toBeLessThan(8);
  expect(writeAscending(Array.from({ length: 1_000 }, (_, at) => 70 * at))).toHaveLength(1_000);
});

test("what is not whole or is below 0 has no text; neither have numbers that do not ascend", () => {
  for (const number of [-1, 0.5, Number.NaN]) expect(() => writeAscending([number])).toThrow();
  expect(() => writeDigits([0, 2], 2)).toThrow();
  for (const numbers of [
    [2, 2],
    [3, 1],
  ]) {
    expect(() => writeAscending(numbers)).toThrow();
  }
});

test("numbers by numbers are what a map has, in whichever form they are kept", () => {
  const step = fc.tuple(
    fc.oneof(fc.nat(300), fc.nat(3_000)),
    fc.constantFrom(0, 0, 1, 7, 255, 256, 65_535, 65_536),
  );
  // Long enough to fill it until it changes its form, and to empty it again.
  const steps = fc.array(step, { minLength: 0, maxLength: 600 });
  fc.assert(
    fc.property(steps, fc.nat(400), (changes, filled) => {
      const map = new NumberMap();
      const expected = new Map<number, number>();
      const set = (key: number, value: number): void => {
        map.set(key, value);
        if (value === 0) expected.delete(key);
        else expected.set(key, value);
      };
      for (let key = 0; key < filled; key++) set(key, 3);
      for (const [key, value] of changes) set(key, value);
      const keys = Array.from({ length: 3_002 }, (_, key) => key);
      expect(keys.map((key) => map.get(key))).toEqual(keys.map((key) => expected.get(key) ?? 0));
      expect(map.size).toBe(expected.size);
      for (let key = 0; key <= 3_001; key++) set(key, 0);
      expect([map.size, map.get(5)]).toEqual([0, 0]);
    }),
    { numRuns: 30 },
  );
});
