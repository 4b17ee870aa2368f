/**
 * Steps on approval: carries out inputs, shows what would come of them, and puts everything back.
 *
 * Rows are put back by their Changes in reverse order; cold texts were only in the overlay; numbers
 * taken from counters are given back, because nobody has seen them; what is kept beside the rows
 * (agents that wait, whose turn it was, when offers were made) is put back from marks. Effects go
 * nowhere: they are the shell's to perform, and it is not told of them.
 */

import type { Input, StampedInput } from "./input.ts";
import { type Outcome, step } from "./master.ts";
import type { TableName } from "./rows.ts";
import type { MasterState } from "./state.ts";

/** `inspect` sees the state after the step; the state is as before when this returns. */
export function whatIf<T>(
  state: MasterState,
  stamped: StampedInput,
  inspect: (outcome: Outcome) => T,
): T {
  const { input, ...stamp } = stamped;
  return rehearse(state, stamp, (play) => inspect(play(input)));
}

/** Carries out one input more, after those before it, at the same moment. */
export type Play = (input: Input) => Outcome;

/**
 * As many steps as `work` plays; what it returns must not refer to the state. Throws `Unfinished`
 * when a step throws: the state is then half changed, and must be dropped.
 */
export function rehearse<T>(
  state: MasterState,
  stamp: Omit<StampedInput, "input">,
  work: (play: Play) => T,
): T {
  const marks = marksOf(state);
  const outcomes: Outcome[] = [];
  const play: Play = (input) => {
    const seed = (stamp.seed + outcomes.length) | 0;
    const outcome = step(state, { ...stamp, seed, input });
    outcomes.push(outcome);
    return outcome;
  };
  let seen: T;
  try {
    seen = work(play);
    for (const { changes } of outcomes.reverse()) {
      for (const change of changes.toReversed()) {
        state.tables[change.table as TableName].undo(change);
      }
    }
  } catch (cause) {
    throw new Unfinished("a step that was only tried failed", { cause });
  }
  restore(state, marks);
  return seen;
}

/** The state is half changed: whoever holds it reads it again from its rows. */
export class Unfinished extends Error {
  override readonly name = "Unfinished";
}

/** What undoing Changes does not put back. */
type Marks = ReturnType<typeof marksOf>;

function marksOf(state: MasterState) {
  return {
    next: new Map(state.next),
    allocation: state.allocation.marks(),
    lastOffers: state.lastOffers.marks(),
    startedMs: state.startedMs,
  };
}

function restore(state: MasterState, marks: Marks): void {
  state.changes = [];
  for (const [name, next] of marks.next) state.next.set(name, next);
  state.completedCounts.clear();
  state.allocation.restore(marks.allocation);
  state.lastOffers.restore(marks.lastOffers);
  state.startedMs = marks.startedMs;
}
