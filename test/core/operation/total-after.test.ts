/** An agent's resources may be split into many parts, but not into any number. */
import { expect, test } from "vitest";
import { AGENT_TOTAL_LENGTH_MAX } from "../../../worker/core/constants.ts";
import { totalAfter } from "../../../worker/core/operation/total-after.ts";
import type { AgentRow } from "../../../worker/core/rows.ts";
import { equals, normalize } from "../../../worker/resources/algebra.ts";
import type { Resource, Resources } from "../../../worker/resources/resource.ts";

const plain = (thousandths: number): Resource => ({
  name: "mem",
  reservations: [],
  kind: "SCALAR",
  thousandths,
});
const labelled = (key: string): Resource => ({
  ...plain(1),
  reservations: [{ type: "DYNAMIC", role: "web", labels: { labels: [{ key }] } }],
});
/** Only its total counts. */
const agentWith = (total: Resources) => ({ total }) as AgentRow;
const long = "x".repeat(AGENT_TOTAL_LENGTH_MAX);

test("what is converted takes the place of what is consumed", () => {
  const total = totalAfter(agentWith([plain(10)]), {
    consumed: [plain(1)],
    converted: [labelled("a")],
  });
  expect(total.ok && equals(total.value, normalize([plain(9), labelled("a")]))).toBe(true);
});

test("a total that would be too long is refused", () => {
  const total = totalAfter(agentWith([plain(10)]), {
    consumed: [plain(1)],
    converted: [labelled(long)],
  });
  expect(total).toEqual({
    ok: false,
    error: { code: "TOTAL_TOO_LONG", limit: AGENT_TOTAL_LENGTH_MAX },
  });
});

test("one that is too long already may become shorter", () => {
  const before = normalize([plain(10), labelled(long), labelled("b")]);
  const undo = { consumed: [labelled("b")], converted: [plain(1)] };
  expect(totalAfter(agentWith(before), undo).ok).toBe(true);
});
