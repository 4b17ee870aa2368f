import { expect, test } from "vitest";
import { LoadAverage } from "../../../worker/core/metrics/load-average.ts";
import { Vitals } from "../../../worker/core/metrics/vitals.ts";
import { Distribution } from "../../../worker/std/distribution.ts";

const MINUTE_MS = 60_000;

test("nothing is told of what was never measured", () => {
  expect(new Distribution({ windowMs: MINUTE_MS }).metrics("a", 0)).toEqual({});
  const names = Object.keys(new Vitals().metrics(0));
  expect(names.filter((name) => name.includes("_ms"))).toEqual([]);
});

test("of one sample every value is its own, of two they are between both", () => {
  const times = new Distribution({ windowMs: MINUTE_MS });
  times.add(4, 0);
  const one = times.metrics("a", 0);
  expect(one).toMatchObject({ a: 4, "a/count": 1, "a/min": 4, "a/max": 4, "a/p50": 4 });
  times.add(2, 1);
  expect(times.metrics("a", 1)).toEqual({
    a: 2,
    "a/count": 2,
    "a/min": 2,
    "a/max": 4,
    "a/p50": 3,
    "a/p90": 3.8,
    "a/p95": 3.9,
    "a/p99": 3.98,
    "a/p999": 3.998,
    "a/p9999": 3.9998,
  });
});

test("what is older than the window counts no more, but the last value stays", () => {
  const times = new Distribution({ windowMs: MINUTE_MS });
  times.add(1, 0);
  times.add(2, 1);
  expect(times.metrics("a", MINUTE_MS - 1)).toMatchObject({ "a/count": 2 });
  expect(times.metrics("a", MINUTE_MS)).toMatchObject({ "a/count": 1, "a/min": 2 });
  expect(times.metrics("a", MINUTE_MS + 1)).toEqual({ a: 2 });
});

test("however many samples there are, the newest thousand count", () => {
  const times = new Distribution({ windowMs: MINUTE_MS });
  for (let value = 0; value < 12_345; value++) times.add(value, 0);
  expect(times.metrics("a", 0)).toMatchObject({
    a: 12_344,
    "a/count": 1_000,
    "a/min": 11_345,
    "a/max": 12_344,
  });
});

test("an object that works half of the time comes to a load of one half", () => {
  const load = new LoadAverage();
  for (let nowMs = 0; nowMs < 60 * MINUTE_MS; nowMs += 1_000) load.add(500, nowMs);
  const { one, five, fifteen } = load.at(60 * MINUTE_MS);
  expect(one).toBeCloseTo(0.5, 1);
  expect(five).toBeCloseTo(0.5, 1);
  expect(fifteen).toBeCloseTo(0.5, 1);
});

test("load fades, the short average first", () => {
  const load = new LoadAverage();
  for (let nowMs = 0; nowMs < 60 * MINUTE_MS; nowMs += 1_000) load.add(1_000, nowMs);
  const { one, five, fifteen } = load.at(65 * MINUTE_MS);
  expect(one).toBeLessThan(0.01);
  expect(five).toBeCloseTo(Math.exp(-1), 1);
  expect(fifteen).toBeGreaterThan(0.7);
});
