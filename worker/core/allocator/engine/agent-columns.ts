/**
 * What the engine knows of agents, in arrays by the agent's slot.
 *
 * 1. `free` is what nobody has of the scalars that are neither reserved nor revocable, never below
 * 0. 2. `offered` is its sum over agents in service. 3. A slot that was given back is as empty as
 * one that was never used.
 */
import { Amounts } from "./amounts.ts";
import { Kinds } from "./kinds.ts";
import { grown, grownLength, Slots } from "./slots.ts";

/** How an agent is looked at. */
export const Look = {
  /** Not at all: it is away, out of service, or more is held of it than it has. */
  NONE: 0,
  /**
   * By numbers: what it has is divisible and for everybody, every scalar in one piece. Ranges and
   * sets go as a whole to the first client that gets something.
   */
  PLAIN: 1,
  /** By its rows: reservations, volumes, mounted disks, revocable resources. */
  EXACT: 2,
} as const;
export type Look = (typeof Look)[keyof typeof Look];

/** What an agent lacks or has that some frameworks do not put up with; a client's `needs`. */
export const Trait = {
  NOT_MULTI_ROLE: 1,
  NOT_HIERARCHICAL: 2,
  HAS_GPUS: 4,
  IS_REMOTE: 8,
} as const;
export const TRAIT_SETS = 16;

/** No ranges and sets. */
export const NO_REST = 0;

export class AgentColumns {
  readonly kinds: Kinds;
  readonly #slots = new Slots();
  readonly free = new Amounts();
  look = new Uint8Array(16);
  traits = new Uint8Array(16);
  /** Which ranges and sets are free: equal numbers, equal contents. See `rest-numbers.ts`. */
  rest = new Int32Array(16);
  /** 1: what is free of it counts as offered to somebody sooner or later. */
  #isInService = new Uint8Array(16);
  /** Thousandths by kind. */
  readonly #offered: number[] = [];

  constructor(kinds: Kinds = new Kinds()) {
    this.kinds = kinds;
  }

  take(): number {
    const slot = this.#slots.take();
    if (slot >= this.look.length) {
      const length = grownLength(this.look.length, slot + 1);
      this.look = grown(this.look, length);
      this.traits = grown(this.traits, length);
      this.rest = grown(this.rest, length);
      this.#isInService = grown(this.#isInService, length);
    }
    this.free.reserve(slot);
    return slot;
  }

  giveBack(slot: number): void {
    this.setInService(slot, false);
    this.free.clear(slot);
    this.look[slot] = Look.NONE;
    this.traits[slot] = 0;
    this.rest[slot] = NO_REST;
    this.#slots.giveBack(slot);
  }

  /** All slots in use are below this. */
  get end(): number {
    return this.#slots.end;
  }

  setInService(slot: number, isInService: boolean): void {
    if (this.#isInService[slot] === Number(isInService)) return;
    this.#isInService[slot] = Number(isInService);
    const sign = isInService ? 1 : -1;
    for (const [kind, thousandths] of this.free.entries(slot)) {
      this.#offered[kind] = this.offeredOf(kind) + sign * thousandths;
    }
  }

  /** Nothing is free of it, of any kind. */
  clearFree(slot: number): void {
    for (const [kind] of [...this.free.entries(slot)]) this.setFree(slot, kind, 0);
  }

  setFree(slot: number, kind: number, thousandths: number): void {
    const before = this.free.get(slot, kind);
    if (before === thousandths) return;
    this.free.set(slot, kind, thousandths);
    if (this.#isInService[slot] === 1) {
      this.#offered[kind] = this.offeredOf(kind) + thousandths - before;
    }
  }

  /** So much less is free of it, by kind; more with sign -1. For kinds that have a column. */
  deduct(slot: number, thousandths: Float64Array, sign: 1 | -1): void {
    const { columns, stride } = this.free.reach(thousandths.length - 1);
    for (let kind = 0; kind < thousandths.length; kind++) {
      const amount = sign * (thousandths[kind] ?? 0);
      if (amount === 0) continue;
      columns[slot * stride + kind] = (columns[slot * stride + kind] ?? 0) - amount;
      if (this.#isInService[slot] === 1) this.#offered[kind] = this.offeredOf(kind) - amount;
    }
  }

  /** What nobody has of the kind, of all agents in service together. */
  offeredOf(kind: number): number {
    return this.#offered[kind] ?? 0;
  }

  /** Whether nothing at all is left; for agents that are looked at by numbers. */
  isExhausted(slot: number): boolean {
    return (this.rest[slot] ?? NO_REST) === NO_REST && this.free.isZero(slot);
  }
}
