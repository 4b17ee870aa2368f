/**
 * A small cluster to which random things happen, and beside every decision of its allocator the one
 * that the reference makes of the same rows.
 */
import type { Input } from "../../../worker/core/input.ts";
import { nextDueMs, step } from "../../../worker/core/master.ts";
import { defaultSettings } from "../../../worker/core/settings.ts";
import { loadState, type MasterState } from "../../../worker/core/state.ts";
import type { AgentId } from "../../../worker/protocol/ids.ts";
import { equals } from "../../../worker/resources/algebra.ts";
import { Disk } from "../../support/disk.ts";
import { allocateByHand, type Given, type Order, type Snapshot, snapshotOf } from "./reference.ts";
import { inOrder, Turns } from "./reference-order.ts";

/** What one turn of the master came to. */
export interface Decision {
  readonly input: Input;
  readonly made: readonly Given[];
  readonly expected: readonly Given[];
  /** What the reference would still give away although the allocator waits for nothing. */
  readonly missed: readonly Given[];
}

const home = { fault_domain: { region: { name: "home" }, zone: { name: "z" } } };

export class History {
  readonly disk = new Disk();
  readonly #seed: number;
  readonly #settings: typeof defaultSettings;
  state: MasterState;
  nowMs = 1_000_000;
  #turn = 0;
  #turns = new Turns();
  /** Of this turn, as far as it has come. */
  #made: Given[] = [];
  #expected: Given[] = [];
  /** Of this turn, as soon as the allocator has taken the agents that it looks at. */
  #before: { readonly snapshot: Snapshot; readonly agentIds: readonly AgentId[] } | undefined;

  constructor(seed: number, policy: string) {
    this.#seed = seed;
    // Every third one has a cap that four agents reach.
    const maxOffersPerFramework = seed % 3 === 0 ? 1 + (seed % 2) : 1_000;
    this.#settings = { ...defaultSettings, policy, domain: home, maxOffersPerFramework };
    this.state = this.#load();
  }

  /** The object is thrown out of memory: what is not on disk is gone. */
  restart(): Decision {
    this.state = this.#load();
    this.#turns = new Turns();
    return this.apply({ type: "RESTARTED" });
  }

  apply(input: Input): Decision {
    this.#turn++;
    this.#before = undefined;
    this.#made = [];
    this.#expected = [];
    const seed = (this.#seed * 1_000_003 + this.#turn) | 0;
    const stamp = { turn: this.#turn, nowMs: this.nowMs, seed, principal: {} };
    this.disk.write(step(this.state, { ...stamp, input }));
    return { input, ...this.#compare() };
  }

  /** Time passes until something is due, or for `ms`. */
  wait(ms: number): Decision {
    const dueMs = nextDueMs(this.state);
    this.nowMs = Math.max(this.nowMs, Math.min(this.nowMs + ms, dueMs ?? Number.POSITIVE_INFINITY));
    return this.apply({ type: "TIMER_DUE" });
  }

  #load(): MasterState {
    const state = loadState(this.disk.rows(), { cold: this.disk.cold, settings: this.#settings });
    const { allocation } = state;
    const takeDirty = allocation.takeDirty.bind(allocation);
    allocation.takeDirty = (count, random) => {
      this.#compareBatch();
      const agentIds = takeDirty(count, random);
      this.#before = { snapshot: snapshotOf(state), agentIds };
      return agentIds;
    };
    return state;
  }

  /** What came of the agents that were taken last, beside what the reference makes of them. */
  #compareBatch(): void {
    const before = this.#before;
    if (before === undefined) return;
    const { snapshot, agentIds } = before;
    this.#turns.keep(snapshot);
    const old = new Set<unknown>(snapshot.holds);
    const made: Given[] = [];
    for (const offer of this.state.tables.offer.values()) {
      if (old.has(offer)) continue;
      const { frameworkId, role, agentId, resources } = offer;
      made.push({ frameworkId, role, agentId, resources });
    }
    const order = snapshot.policy === "random" ? drawnAs(made, snapshot) : undefined;
    this.#made.push(...made);
    this.#expected.push(...allocateByHand(snapshot, agentIds, this.#turns, order));
    this.#before = undefined;
  }

  #compare(): Omit<Decision, "input"> {
    this.#compareBatch();
    const [made, expected] = [this.#made, this.#expected];
    return { made, expected, missed: this.#missed(snapshotOf(this.state)) };
  }

  #missed(now: Snapshot): readonly Given[] {
    const { allocation } = this.state;
    if (allocation.hasWork() || allocation.wakeAtMs() !== undefined) return [];
    const unheard = new Turns();
    return allocateByHand(
      now,
      now.agents.map(({ id }) => id),
      unheard,
    );
  }
}

/**
 * An order in which the offers can have been drawn, if there is one: those who were made offers of
 * the agent come first, as they were made them. Who got nothing when more was left gets nothing
 * after them.
 */
function drawnAs(made: readonly Given[], { holds }: Snapshot): Order {
  return (books, turns, agentId) => {
    const next = made.slice(books.holds.length - holds.length);
    const placeOf = (role: string, id: string): number => {
      const at = next.findIndex((given) => {
        return given.agentId === agentId && given.role === role && given.frameworkId === id;
      });
      return at < 0 ? made.length : at;
    };
    return inOrder(books, turns).toSorted(
      (a, b) => placeOf(a.role, a.framework.id) - placeOf(b.role, b.framework.id),
    );
  };
}

export function isSame(made: readonly Given[], expected: readonly Given[]): boolean {
  return (
    made.length === expected.length &&
    made.every((one, at) => {
      const other = expected[at];
      return (
        other !== undefined &&
        one.frameworkId === other.frameworkId &&
        one.role === other.role &&
        one.agentId === other.agentId &&
        equals(one.resources, other.resources)
      );
    })
  );
}
