/**
 * What `why` says and what the allocator does are of one mind: where nothing stands against an
 * offer, one has been made, or is about to be.
 */
import { expect, test } from "vitest";
import { ownCalls } from "../../../worker/core/operator/own/index.ts";
import type { WhyFacts } from "../../../worker/core/operator/own/why/why.ts";
import type { MasterState } from "../../../worker/core/state.ts";
import { prng } from "../../../worker/std/prng.ts";
import { happen } from "../allocator/happenings.ts";
import { History } from "../allocator/history.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 20);
const STEPS = 60;

test.each(["drf", "priority", "random"])("the policy %s", { timeout: 600_000 }, (policy) => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const history = new History(seed, policy);
    const random = prng(seed);
    history.apply({ type: "RESTARTED" });
    for (let step = 0; step < STEPS; step++) {
      happen(history, random);
      const { state, nowMs } = history;
      const waits = state.allocation.hasWork() || state.allocation.wakeAtMs() !== undefined;
      for (const framework of state.tables.framework.rows()) {
        const { groups, standings } = whyOf(state, nowMs, framework.id);
        for (const { reason } of groups) seen.add(reason);
        const wanting = standings.filter(({ problem }) => problem === undefined);
        const roles = new Set(wanting.map(({ client }) => client.role));
        const available = groups.find(({ reason }) => reason === "AVAILABLE");
        const left = available?.clients?.filter(({ role }) => roles.has(role)) ?? [];
        expect(waits ? [] : left, `seed ${seed}, step ${step}`).toEqual([]);
      }
    }
  }
  const lost = policy === "random" ? "DRAWN" : "LOWER_SHARE";
  // All of these come up, or little is proved.
  const common = ["OFFERED", "REFUSED", "IN_USE", "QUOTA_LIMIT", lost];
  expect([...seen]).toEqual(expect.arrayContaining(common));
});

function whyOf(state: MasterState, nowMs: number, framework: string): WhyFacts {
  const served = ownCalls.WHY;
  if (served.kind !== "READ") throw new Error("WHY is a read");
  const reading = served.read(state, nowMs, { type: "WHY", why: { framework } });
  for (;;) {
    const { done, value } = reading.next();
    if (done !== true) continue;
    if (!value.ok || value.value.why === undefined) throw new Error("why is answered");
    return value.value.why;
  }
}
