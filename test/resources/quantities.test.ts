import { expect, test } from "vitest";
import {
  addQuantities,
  containsQuantities,
  isEmptyQuantities,
  quantitiesOf,
  quantityOf,
  subtractQuantities,
} from "../../worker/resources/quantities.ts";
import { parseResourcesText } from "../../worker/resources/text.ts";

test("only scalars count, summed over reservations", () => {
  const parsed = parseResourcesText("cpus:1;cpus(web):0.5;ports:[1-9];zones:{a};mem:32");
  expect(parsed.ok && quantitiesOf(parsed.value)).toEqual({ cpus: 1_500, mem: 32_000 });
});

test("a kind that reaches 0 is gone", () => {
  expect(subtractQuantities({ cpus: 5, mem: 7 }, { cpus: 5, mem: 3 })).toEqual({ mem: 4 });
  expect(subtractQuantities({ cpus: 5 }, { mem: 0 })).toEqual({ cpus: 5 });
});

test("subtracting more than there is is an assertion", () => {
  expect(() => subtractQuantities({ cpus: 5 }, { cpus: 6 })).toThrow("cpus");
  expect(() => subtractQuantities({}, { mem: 1 })).toThrow("mem");
});

test("every kind must be covered", () => {
  expect(containsQuantities({ cpus: 5, mem: 7 }, { cpus: 5 })).toBe(true);
  expect(containsQuantities({ cpus: 5 }, { cpus: 5, mem: 1 })).toBe(false);
  expect(containsQuantities({ cpus: 5 }, { mem: 0 })).toBe(true);
  expect(isEmptyQuantities({ cpus: 0 })).toBe(true);
  expect(isEmptyQuantities({ cpus: 1 })).toBe(false);
});

test("a kind may have the name of something that every object has", () => {
  expect(quantityOf({}, "constructor")).toBe(0);
  const sums = addQuantities({ cpus: 1 }, { constructor: 2, toString: 3 });
  expect(addQuantities(sums, { constructor: 2 })).toEqual({ cpus: 1, constructor: 4, toString: 3 });
});
