/**
 * What the engine knows of clients, as sets of their numbers: a test of 32 of them is one word.
 *
 * A number that was given back is in no set.
 */
import { TRAIT_SETS, Trait } from "./agent-columns.ts";
import { hasBit, putBit } from "./bits.ts";
import { grown, grownLength } from "./slots.ts";

/** Facts of a client that do not change with what is allocated. */
export interface ClientFacts {
  /** Traits of agents of which it may have nothing. */
  readonly needs: number;
  /**
   * It has offer constraints, or says itself what is too little for it: its rows have the last
   * word.
   */
  readonly isScreened: boolean;
}

/** Nobody has a row for it. */
export const NO_AGENT_AT_ALL: ClientFacts = { needs: -1, isScreened: false };

export class ClientMasks {
  /** Words of every set; sets of agents, see `refusal-masks.ts`, are as long. */
  words = 1;
  wanting = new Int32Array(1);
  screened = new Int32Array(1);
  /** By bit of `QuotaFacts.lacks`: of a role that lacks some of its guarantee. */
  readonly lacking: Int32Array[] = [];
  /** By set of the default minimum: what a limit leaves is enough for an offer by that set. */
  readonly roomy: [Int32Array, Int32Array] = [new Int32Array(1), new Int32Array(1)];
  /** How many are screened. */
  screenedCount = 0;
  /** By traits of an agent: who may have something of it. */
  readonly #eligible = Array.from({ length: TRAIT_SETS }, () => new Int32Array(1));
  /** By traits: of those who wants offers; undefined when it has to be made again. */
  readonly #candidates: (Candidates | undefined)[] = [];

  /** Makes sure that there is room for the number. */
  reserve(client: number): void {
    const wanted = (client >> 5) + 1;
    if (wanted <= this.words) return;
    this.words = wanted < 8 ? wanted : grownLength(8, wanted);
    const { words } = this;
    this.wanting = grown(this.wanting, words);
    this.screened = grown(this.screened, words);
    this.lacking.forEach((set, bit) => {
      this.lacking[bit] = grown(set, words);
    });
    this.roomy[0] = grown(this.roomy[0], words);
    this.roomy[1] = grown(this.roomy[1], words);
    this.#eligible.forEach((set, traits) => {
      this.#eligible[traits] = grown(set, words);
    });
  }

  setFacts(client: number, { needs, isScreened }: ClientFacts): void {
    this.reserve(client);
    this.#candidates.length = 0;
    this.screenedCount += Number(isScreened) - Number(this.isScreened(client));
    putBit(this.screened, client, isScreened);
    this.#eligible.forEach((set, traits) => {
      putBit(set, client, needs >= 0 && (needs & traits) === 0);
    });
  }

  setWanting(client: number, wants: boolean): void {
    this.reserve(client);
    this.#candidates.length = 0;
    putBit(this.wanting, client, wants);
  }

  setQuota(client: number, facts: QuotaFacts): void {
    this.reserve(client);
    for (let bit = 0; bit < this.lacking.length || facts.lacks >> bit !== 0; bit++) {
      const set = this.lacking[bit] ?? new Int32Array(this.words);
      this.lacking[bit] = set;
      putBit(set, client, ((facts.lacks >> bit) & 1) === 1);
    }
    putBit(this.roomy[0], client, (facts.room & 1) !== 0);
    putBit(this.roomy[1], client, (facts.room & 2) !== 0);
  }

  /** Who wants offers, and may have something of an agent with these traits. */
  candidates(traits: number): Candidates {
    const known = this.#candidates[traits];
    if (known !== undefined) return known;
    const eligible = this.#eligible[traits];
    const set = this.wanting.map((word, at) => word & (eligible?.[at] ?? 0));
    const candidates = { set, isEmpty: set.every((word) => word === 0) };
    this.#candidates[traits] = candidates;
    return candidates;
  }

  isScreened(client: number): boolean {
    return hasBit(this.screened, 0, client);
  }

  remove(client: number): void {
    this.setFacts(client, NO_AGENT_AT_ALL);
    this.setWanting(client, false);
    this.setQuota(client, NO_QUOTA);
  }
}

interface Candidates {
  readonly set: Int32Array;
  readonly isEmpty: boolean;
}

/** How the role at the top of a client's tree stands. */
export interface QuotaFacts {
  /** Bits of the kinds of which it lacks some of its guarantee; see `bitOf`. */
  readonly lacks: number;
  /** Bit 0 and 1: its limit leaves enough for an offer by that set of the default minimum. */
  readonly room: number;
}

/** Nobody asks while no role has a quota. */
export const NO_QUOTA: QuotaFacts = { lacks: 0, room: 0 };

/** A kind's own bit; kinds that come late share the last one. */
export function bitOf(kind: number): number {
  return Math.min(kind, 30);
}

export function needsOf(facts: {
  readonly isMultiRole: boolean;
  readonly isBelow: boolean;
  readonly takesGpus: boolean;
  readonly takesRemote: boolean;
}): number {
  return (
    (facts.isMultiRole ? Trait.NOT_MULTI_ROLE : 0) |
    (facts.isBelow ? Trait.NOT_HIERARCHICAL : 0) |
    (facts.takesGpus ? 0 : Trait.HAS_GPUS) |
    (facts.takesRemote ? 0 : Trait.IS_REMOTE)
  );
}
