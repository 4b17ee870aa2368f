import { expect, test } from "vitest";
import { Recent } from "../../worker/std/recent.ts";

/** Asks for the keys, and tells which of them had to be made. */
function made(recent: Recent<number, string>, keys: readonly number[]): number[] {
  const fresh: number[] = [];
  for (const key of keys) {
    const value = recent.of(key, (wanted) => {
      fresh.push(wanted);
      return `value ${wanted}`;
    });
    expect(value).toBe(`value ${key}`);
  }
  return fresh;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

test("what is asked for again among as many as are kept is made once", () => {
  const recent = new Recent<number, string>(10);
  expect(made(recent, upTo(10))).toEqual(upTo(10));
  for (let round = 0; round < 5; round++) expect(made(recent, upTo(10))).toEqual([]);
});

test("what is asked for now and then stays among any number of others", () => {
  const recent = new Recent<number, string>(10);
  made(recent, [0]);
  for (let other = 1; other < 100; other++) expect(made(recent, [other, 0])).toEqual([other]);
});

test("what nobody asked for while twice as many others were asked for is made anew", () => {
  const recent = new Recent<number, string>(10);
  made(recent, upTo(21));
  expect(made(recent, [0])).toEqual([0]);
});
