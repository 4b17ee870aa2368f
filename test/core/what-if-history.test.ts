/**
 * A trial leaves nothing behind: of two clusters to which the same happens, the one that is asked
 * all the time decides as the other does, and stores the same.
 */
import { expect, test } from "vitest";
import { auditAllocation } from "../../worker/core/allocator/audit.ts";
import { type OwnFacts, ownCalls } from "../../worker/core/operator/own/index.ts";
import type { MasterState } from "../../worker/core/state.ts";
import type * as own from "../../worker/protocol/own/operator.ts";
import { type Prng, prng } from "../../worker/std/prng.ts";
import { happen } from "./allocator/happenings.ts";
import { History } from "./allocator/history.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 6);
const STEPS = 60;

test.each(["drf", "priority", "random"])("the policy %s", { timeout: 600_000 }, (policy) => {
  let answered = 0;
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const [alone, asked] = [new History(seed, policy), new History(seed, policy)];
    const [aloneRandom, askedRandom] = [prng(seed), prng(seed)];
    const trials = prng(seed + 1_000);
    for (const history of [alone, asked]) history.apply({ type: "RESTARTED" });
    for (let step = 0; step < STEPS; step++) {
      for (let times = trials.below(3); times > 0; times--) {
        const { state, nowMs } = asked;
        const before = kept(state);
        if (ask(asked, trialOf(state, trials), nowMs)) answered++;
        expect(kept(state), `seed ${seed}, step ${step}`).toEqual(before);
      }
      const where = `seed ${seed}, step ${step}`;
      const decisions = [happen(alone, aloneRandom), happen(asked, askedRandom)] as const;
      expect(decisions[1]?.made, where).toEqual(decisions[0]?.made);
      expect(asked.disk.rows(), where).toEqual(alone.disk.rows());
    }
    expect(auditAllocation(asked.state), `seed ${seed}`).toEqual([]);
  }
  // Trials that are all refused would prove nothing.
  expect(answered).toBeGreaterThan(HISTORIES * 10);
});

/** What is kept beside the rows, and must be as it was. */
function kept({ tables, allocation, lastOffers, next, index, startedMs }: MasterState): unknown {
  const { dirty, caps, quota, idle, turns } = allocation.marks();
  return {
    offers: tables.offer.rows(),
    agents: tables.agent.rows().map((row) => [row, allocation.held(row.id), allocation.free(row)]),
    dirty,
    caps: [...caps],
    quota,
    idle: idle.map(({ frameworkId, role }) => `${frameworkId}/${role}`).sort(),
    turns: turns && [...turns].sort(),
    lastOffers: lastOffers.marks(),
    next: [...next],
    dueMs: index.due.nextDueMs(),
    startedMs,
  };
}

function ask({ state }: History, what_if: own.WhatIf, nowMs: number): boolean {
  const served = ownCalls.WHAT_IF;
  if (served.kind !== "READ") throw new Error("WHAT_IF is a read");
  const reading = served.read(state, nowMs, { type: "WHAT_IF", what_if });
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return value.ok && isAnswer(value.value);
  }
}

function isAnswer({ what_if }: OwnFacts): boolean {
  return what_if?.is_complete === true;
}

function trialOf({ tables }: MasterState, random: Prng): own.WhatIf {
  const roles = ["*", "eng", "eng/web", "ops", "new"];
  const some = <T>(items: readonly T[]): T | undefined => items[random.below(items.length || 1)];
  const role = some(roles) ?? "*";
  const agent = some(tables.agent.rows())?.id;
  const framework = some(tables.framework.rows())?.id;
  const isIn = (): boolean => random.below(3) === 0;
  const top = some(["eng", "ops", "*"]) ?? "*";
  const limits = { cpus: 2 + random.below(8) };
  return {
    quotas: isIn() ? [{ role: top, guarantees: { cpus: random.below(3) }, limits }] : [],
    weights: isIn() ? [{ role, weight: 1 + random.below(4) }] : [],
    priorities: isIn() ? [{ role, priority: random.below(5) }] : [],
    agents: isIn() && agent !== undefined ? [{ like: agent, count: 1 + random.below(2) }] : [],
    gone: isIn() && agent !== undefined ? [agent] : [],
    drained: isIn() && agent !== undefined ? [agent] : [],
    tasks: isIn() ? [{ resources: "cpus:1;mem:64", count: 1 + random.below(5), role }] : [],
    ...(isIn() && framework !== undefined && { tasks: [{ resources: "cpus:1", framework }] }),
  };
}
