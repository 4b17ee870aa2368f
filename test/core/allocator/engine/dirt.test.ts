/** Which agents are looked at next. */
import { expect, test } from "vitest";
import { Dirt } from "../../../../worker/core/allocator/dirt.ts";
import { prng } from "../../../../worker/std/prng.ts";

function dirt(...slots: readonly number[]): Dirt {
  const made = new Dirt();
  for (const slot of slots) made.add(slot);
  return made;
}

test("all are taken as a shuffle has them, and nobody twice", () => {
  const made = dirt(5, 3, 5, 8, 3);
  expect(made.take(10, prng(7))).toEqual(prng(7).shuffle([5, 3, 8]));
  expect(made.size).toBe(0);
});

test("who comes while a cycle is cut is taken when the cycle is over", () => {
  const made = dirt(1, 2, 3, 4);
  const first = made.take(2, prng(1));
  const [again = 0] = first;
  made.add(again);
  made.add(9);
  const second = made.take(10, prng(2));
  expect([...first, ...second].toSorted()).toEqual([1, 2, 3, 4]);
  expect(made.take(10, prng(3)).toSorted()).toEqual([again, 9].toSorted());
});

test("who is put back is taken before those that came meanwhile", () => {
  const made = dirt(1, 2, 3, 4);
  const taken = made.take(4, prng(1));
  made.add(9);
  made.putBack(taken.slice(2));
  expect(made.take(10, prng(2)).toSorted()).toEqual(taken.slice(2).toSorted());
  expect(made.take(10, prng(2))).toEqual([9]);
});

test("when all become dirty in the midst of a cycle, those left of it come first", () => {
  const made = dirt(1, 2, 3, 4);
  const first = made.take(2, prng(1));
  made.addAll([1, 2, 3, 4]);
  expect([...made.take(10, prng(1)), ...first].toSorted()).toEqual([1, 2, 3, 4]);
  expect(made.take(10, prng(1)).toSorted()).toEqual([...first].toSorted());
});

test("an agent that is gone is not taken, and the next one in its slot once", () => {
  const made = dirt(1, 2, 3);
  made.remove(2);
  expect(made.slots()).toEqual([1, 3]);
  made.add(2);
  expect(made.slots()).toEqual([1, 3, 2]);
});
