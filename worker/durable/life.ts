/**
 * One life of the master's memory, from load to loss, and the turns that are taken in it.
 *
 * A turn is stamp, step, one transaction, with no `await` in between: so the input gate of the
 * object never lets another input see half of it. When it throws, nothing of it was written; the
 * memory is half changed and must be dropped.
 */
import type { Input, Principal, StampedInput } from "../core/input.ts";
import { type Outcome, type Probe, step } from "../core/master.ts";
import { type Counters, countTurn, createCounters } from "../core/metrics/counters.ts";
import { Vitals } from "../core/metrics/vitals.ts";
import type { MasterSettings } from "../core/settings.ts";
import { loadState, type MasterState } from "../core/state.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { Store } from "./store/store.ts";

export interface Life {
  /** Random: tells the lives of one object apart. */
  readonly name: string;
  readonly state: MasterState;
  readonly counters: Counters;
  readonly vitals: Vitals;
  /** Since when an allocation waits for a turn, by `performance.now`; undefined: none does. */
  allocationWaitsSince: number | undefined;
  /** Number of the last turn. */
  turn: number;
  /** Stamp of the last turn. */
  nowMs: number;
}

/** A turn that is on disk. */
export interface TakenTurn {
  readonly stamped: StampedInput;
  readonly outcome: Outcome;
}

export interface TurnFault {
  readonly stamped: StampedInput;
  readonly thrown: unknown;
}

/** Reads the rows. The life's first turn must be RESTARTED. */
export function beginLife(store: Store, settings: MasterSettings): Life {
  const began = performance.now();
  const state = loadState(store.load(), { cold: store.cold, settings });
  const vitals = new Vitals();
  vitals.fetched(performance.now() - began);
  return {
    name: crypto.randomUUID(),
    state,
    counters: createCounters(),
    vitals,
    allocationWaitsSince: undefined,
    turn: 0,
    nowMs: 0,
  };
}

/** After an error the life is over: what is on disk is the truth, with the turn or without it. */
export function takeTurn(
  life: Life,
  store: Store,
  { principal, input }: { readonly principal: Principal; readonly input: Input },
): Result<TakenTurn, TurnFault> {
  const stamped = stamp(life, principal, input);
  const began = performance.now();
  try {
    const outcome = step(life.state, stamped, probe(life, began));
    store.save(outcome.changes, outcome.coldChanges);
    countTurn(life.counters, life.state, stamped, outcome);
    life.allocationWaitsSince = life.state.allocation.hasWork() ? performance.now() : undefined;
    life.vitals.turned(performance.now() - began, stamped.nowMs);
    return ok({ stamped, outcome });
  } catch (thrown) {
    return err({ stamped, thrown });
  }
}

/** Times the turn's allocation. `began`: when the turn did. */
function probe(life: Life, began: number): Probe {
  return {
    allocating: (run) => {
      const start = performance.now();
      run();
      const latencyMs = start - (life.allocationWaitsSince ?? began);
      life.vitals.allocated({ latencyMs, tookMs: performance.now() - start }, life.nowMs);
    },
  };
}

function stamp(life: Life, principal: Principal, input: Input): StampedInput {
  life.turn++;
  life.nowMs = Math.max(life.nowMs, Date.now());
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  return { turn: life.turn, nowMs: life.nowMs, seed, principal, input };
}
