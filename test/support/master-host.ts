/**
 * A host for the pure master in tests: keeps its disk, its clock and its turns, and checks every
 * invariant after every step. Also what a Durable Object does to it: evict it, so that only what
 * was stored remains.
 */
import { expect } from "vitest";
import { auditAllocation } from "../../worker/core/allocator/audit.ts";
import type { Input, Principal } from "../../worker/core/input.ts";
import { checkInvariants, overcommitted, reload } from "../../worker/core/invariants.ts";
import { nextDueMs, type Outcome, step } from "../../worker/core/master.ts";
import { durable } from "../../worker/core/rows.ts";
import type { MasterSettings } from "../../worker/core/settings.ts";
import { defaultSettings } from "../../worker/core/settings.ts";
import { loadState, type MasterState } from "../../worker/core/state.ts";
import { tableNames } from "../../worker/core/tables.ts";
import type { Row } from "../../worker/std/table.ts";
import { Disk } from "./disk.ts";

export class MasterHost {
  readonly disk = new Disk();
  readonly settings: MasterSettings;
  state: MasterState;
  nowMs = 1_000_000;
  #turn = 0;
  readonly #seed: number;

  constructor(options: { seed?: number; settings?: Partial<MasterSettings> } = {}) {
    this.#seed = options.seed ?? 1;
    this.settings = { ...defaultSettings, ...options.settings };
    this.state = loadState({}, { cold: this.disk.cold, settings: this.settings });
    this.apply({ type: "RESTARTED" });
  }

  apply(input: Input, principal: Principal = {}): Outcome {
    const excessBefore = overcommitted(this.state);
    const { nowMs } = this;
    this.#turn++;
    const seed = (this.#seed * 1_000_003 + this.#turn) | 0;
    const outcome = step(this.state, { turn: this.#turn, nowMs, seed, principal, input });
    this.disk.write(outcome);
    this.#check(input, excessBefore);
    return outcome;
  }

  /** The object is thrown out of memory and comes back with what was stored. */
  evict(): Outcome {
    this.state = loadState(this.disk.rows(), { cold: this.disk.cold, settings: this.settings });
    return this.apply({ type: "RESTARTED" });
  }

  nextDueMs(): number | undefined {
    return nextDueMs(this.state);
  }

  #check(input: Input, excessBefore: ReadonlySet<string>): void {
    expect(checkInvariants(this.state), `after ${input.type}`).toEqual([]);
    expect(auditAllocation(this.state), `after ${input.type}`).toEqual([]);
    const fromOutside = input.type === "AGENT_REGISTER" || input.type === "RELAY_BATCH";
    const excess = [...overcommitted(this.state)].filter((id) => !excessBefore.has(id));
    if (!fromOutside) expect(excess, `over-committed by ${input.type}`).toEqual([]);
    const again = reload(this.state);
    for (const name of tableNames) {
      const isKept = durable[name] as (row: Row) => boolean;
      const kept = [...this.state.tables[name].values()].filter(isKept);
      const found = [...again.tables[name].values()].filter(isKept);
      expect(found, `reloaded ${name}`).toEqual(kept);
    }
  }
}
