import { expect, test } from "vitest";
import { ColdStore, type ColdView, ViewLost } from "../../worker/core/cold.ts";
import { Disk } from "../support/disk.ts";

/** A store of texts whose steps are written at once. */
function texts(): { readonly store: ColdStore; step(change: () => void): void } {
  const disk = new Disk();
  const store = new ColdStore(disk.cold);
  const step = (change: () => void): void => {
    change();
    disk.write({ changes: [], coldChanges: store.takeChanges(), effects: [] });
  };
  return { store, step };
}

const seen = (view: ColdView): unknown => [...view.range("taskBody", 1, 4)];

test("a view shows what was there when it was opened, whatever is written or deleted later", () => {
  const { store, step } = texts();
  step(() => {
    for (const [at, text] of ["a", "b", "c"].entries()) store.put("taskBody", at + 1, text);
  });
  const view = store.view();
  step(() => {
    store.delete("taskBody", 1);
    store.put("taskBody", 2, "B");
    store.put("taskBody", 4, "d");
  });
  step(() => {
    store.put("taskBody", 1, "A");
    store.delete("taskBody", 4);
  });
  expect(seen(view)).toEqual([
    [1, "a"],
    [2, "b"],
    [3, "c"],
  ]);
  expect([view.get("taskBody", 2), view.get("taskBody", 4)]).toEqual(["b", undefined]);
  expect(seen(store.view())).toEqual([
    [1, "A"],
    [2, "B"],
    [3, "c"],
  ]);
});

test("views that were opened at different moments show each its own", () => {
  const { store, step } = texts();
  const views = ["one", "two", "three"].map((text) => {
    step(() => store.put("taskBody", 1, text));
    return store.view();
  });
  step(() => store.delete("taskBody", 1));
  expect(views.map((view) => view.get("taskBody", 1))).toEqual(["one", "two", "three"]);
});

test("the oldest view is given up when too much has changed since, and the younger ones are not", () => {
  const { store, step } = texts();
  const long = "x".repeat(1_000_000);
  const numbers = Array.from({ length: 9 }, (_, at) => at + 1);
  step(() => {
    for (const number of numbers) store.put("taskBody", number, long);
  });
  const oldest = store.view();
  step(() => {
    for (const number of numbers.slice(0, 4)) store.delete("taskBody", number);
  });
  expect(oldest.get("taskBody", 1)).toBe(long);
  const younger = store.view();
  step(() => {
    for (const number of numbers.slice(4)) store.delete("taskBody", number);
  });
  expect(() => oldest.get("taskBody", 1)).toThrow(ViewLost);
  expect(younger.get("taskBody", 9)).toBe(long);
});

test("a closed view copies nothing more", () => {
  const { store, step } = texts();
  const long = "x".repeat(1_000_000);
  for (let round = 0; round < 20; round++) {
    step(() => store.put("taskBody", 1, long));
    store.view().close();
  }
  const view = store.view();
  step(() => store.delete("taskBody", 1));
  expect(view.get("taskBody", 1)).toBe(long);
});
