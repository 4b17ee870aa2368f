/** The audit log: bounded, durable, and who did what when. */
import { expect, test } from "vitest";
import { step } from "../../../worker/core/master.ts";
import { getAudit } from "../../../worker/core/operator/own/get-audit.ts";
import { whatIf } from "../../../worker/core/what-if.ts";
import type * as own from "../../../worker/protocol/own/operator.ts";
import { MasterHost } from "../../support/master-host.ts";

function setPriority(role: string, priority: number): own.Call {
  return { type: "SET_PRIORITIES", set_priorities: { priorities: [{ role, priority }] } };
}

/** The log as an operator reads it. */
function read({ state, nowMs }: MasterHost, get_audit?: own.GetAudit): readonly own.AuditEntry[] {
  const reading = getAudit(state, nowMs, { type: "GET_AUDIT", get_audit });
  for (;;) {
    const { done, value } = reading.next();
    if (done !== true) continue;
    if (!value.ok) throw new Error("the log is read");
    return value.value.audit?.entries ?? [];
  }
}

test("an entry says who changed what when", () => {
  const host = new MasterHost();
  host.nowMs = 5_000_500;
  host.apply({ type: "OWN_CALL", call: setPriority("eng", 3) }, { value: "ada" });
  expect(read(host)).toEqual([
    {
      number: expect.any(BigInt),
      time: 5_000.5,
      principal: "ada",
      call: "SET_PRIORITIES",
      changes: [{ subject: "role eng", field: "priority", after: "3" }],
    },
  ]);
});

test("the last thousand are kept, also over a restart", () => {
  const host = new MasterHost();
  // A step of the test's host checks everything, which is too slow for so many.
  for (let n = 1; n <= 1_002; n++) {
    const stamp = { turn: n + 1, nowMs: host.nowMs, seed: n, principal: {} };
    const input = { type: "OWN_CALL", call: setPriority("eng", n) } as const;
    host.disk.write(step(host.state, { ...stamp, input }));
  }
  host.evict();
  const all = read(host, { limit: 5_000 });
  expect(all).toHaveLength(1_000);
  const after = all.map(({ changes }) => changes?.[0]?.after);
  expect([after[0], after.at(-1)]).toEqual(["1002", "3"]);
});

test("the log is read from the newest on, in parts", () => {
  const host = new MasterHost();
  for (let n = 1; n <= 5; n++) host.apply({ type: "OWN_CALL", call: setPriority("eng", n) });
  const first = read(host, { limit: 2 });
  const second = read(host, { limit: 2, before: first.at(-1)?.number ?? 0n });
  const third = read(host, { limit: 2, before: second.at(-1)?.number ?? 0n });
  const after = [first, second, third].map((part) =>
    part.map(({ changes }) => changes?.[0]?.after),
  );
  expect(after).toEqual([["5", "4"], ["3", "2"], ["1"]]);
});

test("a call that changes more than an entry has room for says how much is left out", () => {
  const host = new MasterHost();
  const priorities = Array.from({ length: 500 }, (_, n) => ({
    role: `${"x".repeat(500)}${n}`,
    priority: 1,
  }));
  host.apply({
    type: "OWN_CALL",
    call: { type: "SET_PRIORITIES", set_priorities: { priorities } },
  });
  const [entry] = read(host);
  const { changes = [], changes_left_out = 0 } = entry ?? {};
  expect(changes.length).toBeGreaterThan(5);
  expect(changes.length + changes_left_out).toBe(500);
  expect(JSON.stringify(changes).length).toBeLessThan(5_000);
});

test("a step on approval leaves no entry", () => {
  const host = new MasterHost();
  const stamp = { turn: 9, nowMs: host.nowMs, seed: 9, principal: {} };
  const input = { type: "OWN_CALL", call: setPriority("eng", 1) } as const;
  const seen = whatIf(host.state, { ...stamp, input }, () => host.state.tables.audit.size);
  expect([seen, host.state.tables.audit.size, host.state.tables.role.size]).toEqual([1, 0, 0]);
});
