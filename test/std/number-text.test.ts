/** Numbers as texts, and numbers by numbers. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { NumberMap } from "../../worker/std/number-map.ts";
import {
  numberAt,
  placeInAscending,
  readAscending,
  readNumbers,
  writeAscending,
  writeNumbers,
} from "../../worker/std/number-text.ts";

const ascending = fc
  .uniqueArray(fc.oneof(fc.nat(40), fc.nat(2_000), fc.nat(5_000_000)), { maxLength: 200 })
  .map((numbers) => numbers.sort((a, b) => a - b));

test("ascending numbers are read as they were written, one by one as well", () => {
  fc.assert(
    fc.property(ascending, (numbers) => {
      const text = writeAscending(numbers);
      expect(readAscending(text)).toEqual(numbers);
      expect(numbers.map((number) => placeInAscending(text, number))).toEqual([...numbers.keys()]);
      expect(JSON.stringify(text)).toHaveLength(text.length + 2);
    }),
  );
});

test("numbers in any order are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (numbers) => {
      const text = writeNumbers(numbers);
      expect(readNumbers(text)).toEqual(numbers);
      expect(numbers.map((_, place) => numberAt(text, place))).toEqual(numbers);
    }),
  );
});

test("a run of any length takes a few characters, and a gap below 72 takes one", () => {
  expect(writeAscending(Array.from({ length: 50_000 }, (_, at) => at)).length).toBeLessThan(8);
  expect(writeAscending(Array.from({ length: 1_000 }, (_, at) => 70 * at))).toHaveLength(1_000);
});

test("a list says that it does not have a number", () => {
  const text = writeAscending([3, 8]);
  for (const absent of [0, 5, 9]) expect(() => placeInAscending(text, absent)).toThrow();
  expect(() => numberAt(writeNumbers([1, 2]), 2)).toThrow();
});

test("what is neither whole nor below 0 has no text; neither have numbers that do not ascend", () => {
  for (const number of [-1, 0.5, Number.NaN]) expect(() => writeNumbers([number])).toThrow();
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
      for (let key = 0; key <= 3_001; key++) expect(map.get(key)).toBe(expected.get(key) ?? 0);
      expect(map.size).toBe(expected.size);
      for (let key = 0; key <= 3_001; key++) set(key, 0);
      expect([map.size, map.get(5)]).toEqual([0, 0]);
    }),
    { numRuns: 60 },
  );
});
