import { describe, expect, test } from "vitest";
import { fitTasks } from "../../../agent/cli/offer-fit.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { anOffer } from "../fake-master.ts";

const attributes: mesos.Attribute[] = [
  { name: "rack", type: "TEXT", text: { value: "r1" } },
  { name: "generation", type: "SCALAR", scalar: { value: 3 } },
  { name: "vlans", type: "RANGES", ranges: { range: [{ begin: 10n, end: 20n }] } },
];
const offer = anOffer("O1", { attributes });
const demand = (wanted: { cpus: number; mem: number }, needs: Record<string, string> = {}) => ({
  wanted,
  attributes: new Map(Object.entries(needs)),
});

test("an offer takes as many tasks as it has room for, and no more than are wanted", () => {
  const many = fitTasks(offer, demand({ cpus: 1.5, mem: 64 }), 10);
  expect(many.ok && many.value.length).toBe(2);
  const one = fitTasks(offer, demand({ cpus: 1.5, mem: 64 }), 1);
  expect(one.ok && one.value.length).toBe(1);
});

test("an offer that is too small says what it lacks, and may grow", () => {
  expect(fitTasks(offer, demand({ cpus: 5, mem: 2_048 }), 1)).toEqual({
    ok: false,
    error: {
      isPermanent: false,
      sentence: "a1.test (A1) offers only 4 of 5 cpus and 1024 of 2048 mem (MB)",
    },
  });
});

describe("attributes", () => {
  const small = { cpus: 1, mem: 1 };
  test.each<[Record<string, string>]>([
    [{ rack: "r1" }],
    [{ generation: "3" }],
    [{ generation: "3.0" }],
    [{ vlans: "15" }],
    [{ rack: "r1", vlans: "20" }],
  ])("%o match", (needs) => {
    expect(fitTasks(offer, demand(small, needs), 1).ok).toBe(true);
  });

  test.each<[Record<string, string>, string]>([
    [{ rack: "r2" }, "a1.test (A1) has rack=r1, not r2"],
    [{ generation: "4" }, "a1.test (A1) has generation=3, not 4"],
    [{ generation: "" }, "a1.test (A1) has generation=3, not "],
    [{ vlans: "21" }, "a1.test (A1) has vlans=10-20, not 21"],
    [{ zone: "z" }, "a1.test (A1) has no attribute zone"],
    [{ rack: "r1", zone: "z" }, "a1.test (A1) has no attribute zone"],
  ])("%o do not, and never will", (needs, sentence) => {
    expect(fitTasks(offer, demand(small, needs), 1)).toEqual({
      ok: false,
      error: { isPermanent: true, sentence },
    });
  });
});
