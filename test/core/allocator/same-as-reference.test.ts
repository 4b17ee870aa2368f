/**
 * The allocator gives the offers that the reference gives, whatever has happened before; under the
 * policy `random`, offers that the reference can give in some order of the clients. More
 * histories than `npm test` has time for: `HISTORIES=10000 npx vitest run ... same-as-reference`.
 */
import { expect, test } from "vitest";
import { auditAllocation } from "../../../worker/core/allocator/audit.ts";
import { prng } from "../../../worker/std/prng.ts";
import { happen } from "./happenings.ts";
import { History, isSame } from "./history.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 150);
const STEPS = 60;
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1);

test.each(["drf", "priority", "random"])(
  "the policy %s, over random histories",
  { timeout: 3_600_000 },
  (policy) => {
    let offers = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
      const random = prng(seed);
      const history = new History(seed, policy);
      history.apply({ type: "RESTARTED" });
      for (let step = 0; step < STEPS; step++) {
        const decision = happen(history, random);
        if (decision === undefined) continue;
        const where = `seed ${seed}, step ${step}, after ${JSON.stringify(decision.input, noBigInt)}`;
        const { made, expected, missed } = decision;
        if (!isSame(made, expected)) expect(made, where).toEqual(expected);
        expect(missed, `left lying: ${where}`).toEqual([]);
        offers += made.length;
        // What is kept is what would be made of the rows; as dear as a start, so not every time.
        if (step % 7 === 0) expect(auditAllocation(history.state), where).toEqual([]);
      }
    }
    // A history in which nothing is ever offered would prove nothing.
    expect(offers).toBeGreaterThan(5 * HISTORIES);
  },
);

function noBigInt(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
