/**
 * Steps on approval: carries out an input, shows what would come of it, and puts everything back.
 *
 * Rows are put back by their Changes in reverse order; cold texts were only in the overlay; numbers
 * taken from counters are given back, because nobody has seen them. The policy forgets whose turn
 * it was, as at a restart.
 */

import type { StampedInput } from "./input.ts";
import { type Outcome, step } from "./master.ts";
import type { TableName } from "./rows.ts";
import type { MasterState } from "./state.ts";

/** `inspect` sees the state after the step; the state is as before when this returns. */
export function whatIf<T>(
  state: MasterState,
  stamped: StampedInput,
  inspect: (outcome: Outcome) => T,
): T {
  const numbers = new Map(state.next);
  const dirty = state.allocation.dirtyAgents();
  const capMarks = state.allocation.capMarks();
  const lastOffers = state.lastOffers.marks();
  const { startedMs } = state;
  const outcome = step(state, stamped);
  const seen = inspect(outcome);
  for (const change of outcome.changes.toReversed()) {
    state.tables[change.table as TableName].undo(change);
  }
  state.changes = [];
  for (const [name, next] of numbers) state.next.set(name, next);
  state.completedCounts.clear();
  state.allocation.restoreDirty(dirty);
  state.allocation.restoreCapMarks(capMarks);
  state.allocation.forgetTurns();
  state.lastOffers.restore(lastOffers);
  state.startedMs = startedMs;
  return seen;
}
