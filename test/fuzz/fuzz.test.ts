/**
 * 20,000 hostile requests, the same at every run of the same commit; FUZZ_SEED and FUZZ_COUNT
 * change that.
 */
import { expect, test } from "vitest";
import { report } from "./report.ts";
import { fuzz } from "./run.ts";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_COUNT ?? 20_000);

test(`whatever is sent, nothing breaks and nothing refused changes anything (seed ${seed})`, {
  timeout: 300_000,
}, async () => {
  const fuzzed = await fuzz({ seed, count });
  console.log(report(fuzzed));
  if (fuzzed.failure !== undefined) expect.fail(fuzzed.failure);
  // A fuzzer whose every call is refused at the door says nothing.
  const answered = (status: number): number => fuzzed.statuses.get(status) ?? 0;
  expect(answered(202)).toBeGreaterThan(count / 20);
  expect(answered(200)).toBeGreaterThan(count / 20);
  expect(answered(400)).toBeGreaterThan(count / 20);
});

test("a seed gives the same requests and the same answers every time", async () => {
  const digest = async (of: number): Promise<number> => {
    const { digest, failure } = await fuzz({ seed: of, count: 300 });
    expect(failure).toBe(undefined);
    return digest;
  };
  expect(await digest(seed)).toBe(await digest(seed));
  expect(await digest(seed + 1)).not.toBe(await digest(seed));
});
