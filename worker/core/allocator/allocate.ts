/**
 * Offers what is free. Runs at the end of every turn, over the agents that the turn touched: a turn
 * in which nothing was freed and nobody began to want costs nothing.
 *
 * Who is offered what is decided by numbers (`engine/engine.ts`), and for agents that have more
 * than plain resources on their rows (`row-look.ts`). A turn makes so many offers and does so much
 * at most; the cycle goes on in the next turn, which is wanted at once (`nextDueMs`).
 */

import {
  AGENTS_ALLOCATED_AT_ONCE,
  ALLOCATION_WORK_PER_TURN,
  OFFERS_PER_TURN,
} from "../constants.ts";
import { rescindOverCommitted } from "../offer/rescind-over-committed.ts";
import { rescindOverLimits } from "../role/rescind-for-quota.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { RowGate } from "./row-gate.ts";

export function allocate(turn: Turn): void {
  const { allocation, tables } = turn.state;
  rescindOverLimits(turn);
  allocation.wakePassedOver(turn.nowMs);
  rescindOverCommitted(turn);
  if (!allocation.hasWork()) return;
  const budget = { offers: OFFERS_PER_TURN, work: ALLOCATION_WORK_PER_TURN };
  const gate = new RowGate(turn, budget);
  while (budget.offers > 0 && budget.work > 0 && allocation.hasWork()) {
    const agents = allocation.takeDirty(AGENTS_ALLOCATED_AT_ONCE, turn.random);
    // Agents that wait for a framework with too many offers may turn out to wait for nothing.
    budget.work--;
    allocation.putBackDirty(gate.decide(agents));
  }
  for (const [frameworkId, offers] of gate.offers) {
    const framework = tables.framework.get(frameworkId);
    if (framework === undefined) continue;
    sendEvent(turn, framework, { type: "OFFERS", offers: { offers } });
  }
}
