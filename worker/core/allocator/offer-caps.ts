/**
 * How many offers every framework has in hand, and which agents wait because a framework has as
 * many as it may have at once (`MasterSettings.maxOffersPerFramework`).
 *
 * Such an agent is looked at again as soon as the framework has fewer. Not all at once: most are
 * offered to it again until it is at its cap, so first as many are woken as it may have, and twice
 * as many each time that was not enough. Derived: counts follow from the offers; agents that wait
 * are looked at anyway when a life begins.
 */
import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import { assert } from "../../std/assert.ts";
import { AGENTS_ALLOCATED_AT_ONCE } from "../constants.ts";

interface Waiting {
  readonly agents: Set<AgentId>;
  /** How many are woken next, at least. */
  batch: number;
}

/** What waits, to be put back after an undo. */
export type OfferCapMarks = ReadonlyMap<FrameworkId, Waiting>;

export class OfferCaps {
  /** Undefined: there is none. */
  readonly #most: number | undefined;
  readonly #outstanding = new Map<FrameworkId, number>();
  readonly #waiting = new Map<FrameworkId, Waiting>();

  constructor(most: number | undefined) {
    assert(most === undefined || most >= 1, "every framework may have an offer");
    this.#most = most;
  }

  /** An offer was made to the framework. */
  began(frameworkId: FrameworkId): void {
    this.#outstanding.set(frameworkId, this.#offersOf(frameworkId) + 1);
  }

  /** An offer of the framework has ended. */
  ended(frameworkId: FrameworkId): void {
    const left = this.#offersOf(frameworkId) - 1;
    assert(left >= 0, `${frameworkId} had the offer that ended`);
    if (left === 0) this.#outstanding.delete(frameworkId);
    else this.#outstanding.set(frameworkId, left);
  }

  isAtCap(frameworkId: FrameworkId): boolean {
    return this.#most !== undefined && this.#offersOf(frameworkId) >= this.#most;
  }

  /** The agent has something that the framework would have been offered. */
  passedOver(frameworkId: FrameworkId, agentId: AgentId): void {
    const waiting = this.#waiting.get(frameworkId);
    if (waiting === undefined) {
      this.#waiting.set(frameworkId, { agents: new Set([agentId]), batch: 1 });
      return;
    }
    waiting.agents.add(agentId);
    waiting.batch = 1;
  }

  /** Whether an agent waits for a framework that may have more by now. */
  isDue(): boolean {
    for (const frameworkId of this.#waiting.keys()) if (!this.isAtCap(frameworkId)) return true;
    return false;
  }

  /** Takes out agents that are to be looked at now. */
  takeDue(): readonly AgentId[] {
    const due: AgentId[] = [];
    for (const [frameworkId, waiting] of this.#waiting) {
      if (this.isAtCap(frameworkId)) continue;
      const room = (this.#most ?? 0) - this.#offersOf(frameworkId);
      const count = Math.min(AGENTS_ALLOCATED_AT_ONCE, Math.max(room, waiting.batch));
      waiting.batch = count * 2;
      let left = count;
      for (const agentId of waiting.agents) {
        if (left-- === 0) break;
        waiting.agents.delete(agentId);
        due.push(agentId);
      }
      if (waiting.agents.size === 0) this.#waiting.delete(frameworkId);
    }
    return due;
  }

  /** The framework wants nothing any more, or every agent is looked at for it anyway. */
  forgetFramework(frameworkId: FrameworkId): void {
    this.#waiting.delete(frameworkId);
  }

  forgetAgent(agentId: AgentId): void {
    for (const [frameworkId, { agents }] of this.#waiting) {
      agents.delete(agentId);
      if (agents.size === 0) this.#waiting.delete(frameworkId);
    }
  }

  marks(): OfferCapMarks {
    return copyOf(this.#waiting);
  }

  restore(marks: OfferCapMarks): void {
    this.#waiting.clear();
    for (const [frameworkId, waiting] of copyOf(marks)) this.#waiting.set(frameworkId, waiting);
  }

  #offersOf(frameworkId: FrameworkId): number {
    return this.#outstanding.get(frameworkId) ?? 0;
  }
}

function copyOf(waiting: OfferCapMarks): Map<FrameworkId, Waiting> {
  const copies = new Map<FrameworkId, Waiting>();
  for (const [id, { agents, batch }] of waiting) copies.set(id, { agents: new Set(agents), batch });
  return copies;
}
