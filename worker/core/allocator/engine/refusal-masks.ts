/**
 * Which clients need not be asked of an agent, because they refused all that is free of it now.
 *
 * A client with a refusal on an agent is in one of two sets of the agent: `covered`, its refusals
 * cover all of the agent's basis, so of anything up to that; or `asked`, then its refusals have to
 * be looked up. The basis is what was free when somebody was covered last; when more is free than
 * that, everybody is asked again.
 *
 * 1. Nobody is in both sets. 2. Who is in neither has no refusal on the agent. 3. Only agents with
 * a refusal have sets. Derived from the rows of refusals; does not know what is in them.
 */
import { type AgentColumns, NO_REST } from "./agent-columns.ts";
import { Amounts } from "./amounts.ts";
import { clearBit, hasBit, setBit } from "./bits.ts";
import { grown, grownLength, Slots } from "./slots.ts";

const NO_ROW = -1;

export class RefusalMasks {
  readonly #agents: AgentColumns;
  #words = 1;
  readonly #rows = new Slots();
  /** Row of the agent in everything below. */
  #rowOf = new Int32Array(0);
  covered = new Int32Array(0);
  asked = new Int32Array(0);
  readonly #basis = new Amounts();
  #basisRest = new Int32Array(16);
  /** 1: somebody may be covered, so that the basis counts. */
  #hasBasis = new Uint8Array(16);

  constructor(agents: AgentColumns) {
    this.#agents = agents;
  }

  /** Every set has so many words from now on. */
  setWords(words: number): void {
    if (words === this.#words) return;
    this.covered = this.#widened(this.covered, words);
    this.asked = this.#widened(this.asked, words);
    this.#words = words;
  }

  /**
   * Where the agent's sets begin; below 0: it has none. What is free may have grown since they were
   * asked for last: then nobody is covered any more.
   */
  at(agent: number): number {
    const row = this.#rowOf[agent] ?? NO_ROW;
    if (row < 0 || agent >= this.#rowOf.length) return NO_ROW;
    if (this.#hasBasis[row] === 1 && !this.#isWithinBasis(agent, row)) this.#uncover(row);
    return row * this.#words;
  }

  /** The client has one more refusal on the agent. */
  add(agent: number, client: number): void {
    const at = this.#take(agent) * this.#words;
    if (!hasBit(this.covered, at, client)) setBit(this.asked, at, client);
  }

  /** One of the client's refusals on the agent is gone; `hasOthers`: it has some left. */
  remove(agent: number, client: number, hasOthers: boolean): void {
    const row = this.#rowOfAgent(agent);
    if (row === NO_ROW) return;
    const at = row * this.#words;
    clearBit(this.covered, at, client);
    clearBit(this.asked, at, client);
    if (hasOthers) setBit(this.asked, at, client);
    else this.#giveBackIfEmpty(agent, row);
  }

  /** The client's refusals cover all that is free of the agent now. */
  cover(agent: number, client: number): void {
    const row = this.#take(agent);
    const at = row * this.#words;
    if (this.#hasBasis[row] !== 1 || !this.#isBasis(agent, row)) {
      if (this.#hasBasis[row] === 1 && !this.#isWithinBasis(agent, row)) this.#uncover(row);
      // Whoever covers more covers this too.
      this.#setBasis(agent, row);
    }
    clearBit(this.asked, at, client);
    setBit(this.covered, at, client);
  }

  /** What the agent has may be other things than before, of the same kinds. */
  uncoverAgent(agent: number): void {
    const row = this.#rowOfAgent(agent);
    if (row !== NO_ROW) this.#uncover(row);
  }

  isCovered(agent: number, client: number): boolean {
    const at = this.at(agent);
    return at >= 0 && hasBit(this.covered, at, client);
  }

  isAsked(agent: number, client: number): boolean {
    const at = this.at(agent);
    return at >= 0 && hasBit(this.asked, at, client);
  }

  /** The agent is gone: its slot may soon be another's. */
  forgetAgent(agent: number): void {
    const row = this.#rowOfAgent(agent);
    if (row === NO_ROW) return;
    this.#clear(row);
    this.#rowOf[agent] = NO_ROW;
    this.#rows.giveBack(row);
  }

  /** The client is gone: its number may soon be another's. */
  forgetClient(client: number): void {
    for (let row = 0; row < this.#rows.end; row++) {
      clearBit(this.covered, row * this.#words, client);
      clearBit(this.asked, row * this.#words, client);
    }
  }

  #rowOfAgent(agent: number): number {
    return agent < this.#rowOf.length ? (this.#rowOf[agent] ?? NO_ROW) : NO_ROW;
  }

  #take(agent: number): number {
    if (agent >= this.#rowOf.length) {
      const before = this.#rowOf.length;
      this.#rowOf = grown(this.#rowOf, grownLength(before, agent + 1)).fill(NO_ROW, before);
    }
    const known = this.#rowOf[agent] ?? NO_ROW;
    if (known !== NO_ROW) return known;
    const row = this.#rows.take();
    this.#rowOf[agent] = row;
    const words = (row + 1) * this.#words;
    if (words > this.covered.length) {
      this.covered = grown(this.covered, grownLength(this.covered.length, words));
      this.asked = grown(this.asked, this.covered.length);
    }
    if (row >= this.#basisRest.length) {
      const length = grownLength(this.#basisRest.length, row + 1);
      this.#basisRest = grown(this.#basisRest, length);
      this.#hasBasis = grown(this.#hasBasis, length);
    }
    this.#basis.reserve(row);
    return row;
  }

  #isWithinBasis(agent: number, row: number): boolean {
    const rest = this.#agents.rest[agent] ?? NO_REST;
    if (rest !== NO_REST && rest !== this.#basisRest[row]) return false;
    const { free } = this.#agents;
    const basis = this.#basis;
    for (let kind = 0; kind < free.stride; kind++) {
      const most = kind < basis.stride ? (basis.columns[row * basis.stride + kind] ?? 0) : 0;
      if ((free.columns[agent * free.stride + kind] ?? 0) > most) return false;
    }
    return true;
  }

  #isBasis(agent: number, row: number): boolean {
    const { free, rest } = this.#agents;
    const basis = this.#basis;
    if (rest[agent] !== this.#basisRest[row] || free.stride !== basis.stride) return false;
    for (let kind = 0; kind < free.stride; kind++) {
      const is = free.columns[agent * free.stride + kind];
      if (is !== basis.columns[row * basis.stride + kind]) return false;
    }
    return true;
  }

  #setBasis(agent: number, row: number): void {
    const { free, rest } = this.#agents;
    this.#basis.clear(row);
    for (let kind = 0; kind < free.stride; kind++) {
      this.#basis.set(row, kind, free.columns[agent * free.stride + kind] ?? 0);
    }
    this.#basisRest[row] = rest[agent] ?? NO_REST;
    this.#hasBasis[row] = 1;
  }

  #uncover(row: number): void {
    for (let word = row * this.#words; word < (row + 1) * this.#words; word++) {
      this.asked[word] = (this.asked[word] ?? 0) | (this.covered[word] ?? 0);
      this.covered[word] = 0;
    }
    this.#hasBasis[row] = 0;
  }

  #giveBackIfEmpty(agent: number, row: number): void {
    for (let word = row * this.#words; word < (row + 1) * this.#words; word++) {
      if (this.covered[word] !== 0 || this.asked[word] !== 0) return;
    }
    this.forgetAgent(agent);
  }

  #clear(row: number): void {
    this.covered.fill(0, row * this.#words, (row + 1) * this.#words);
    this.asked.fill(0, row * this.#words, (row + 1) * this.#words);
    this.#basis.clear(row);
    this.#basisRest[row] = NO_REST;
    this.#hasBasis[row] = 0;
  }

  #widened(sets: Int32Array<ArrayBuffer>, words: number): Int32Array<ArrayBuffer> {
    const rows = Math.floor(sets.length / this.#words);
    const wide = new Int32Array(rows * words);
    for (let row = 0; row < rows; row++) {
      wide.set(sets.subarray(row * this.#words, (row + 1) * this.#words), row * words);
    }
    return wide;
  }
}
