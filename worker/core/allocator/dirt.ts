/**
 * Agents worth looking at, by slot, in the order in which they became so.
 *
 * A cycle that is cut goes on with those that it has not come to; who becomes worth looking at
 * meanwhile waits for the next one. So an agent that is freed again and again does not keep others
 * waiting, however often a cycle is cut.
 */
import type { Prng } from "../../std/prng.ts";
import { grown, grownLength } from "./engine/slots.ts";

export class Dirt {
  /** Of the cycle that is going on, or begins next. */
  #now: number[] = [];
  #next: number[] = [];
  /** 1: the slot is in one of the two. */
  #isIn = new Uint8Array(16);
  /** Some of the cycle were taken out, and some are left. */
  #isCut = false;

  get size(): number {
    return this.#now.length + this.#next.length;
  }

  add(slot: number): void {
    if (slot >= this.#isIn.length) {
      this.#isIn = grown(this.#isIn, grownLength(this.#isIn.length, slot + 1));
    }
    if (this.#isIn[slot] === 1) return;
    this.#isIn[slot] = 1;
    if (this.#isCut) this.#next.push(slot);
    else this.#now.push(slot);
  }

  /** All there are, each once: in the order given, unless a cycle is going on. */
  addAll(slots: Iterable<number>): void {
    if (this.#isCut) {
      for (const slot of slots) this.add(slot);
      return;
    }
    this.clear();
    const all = [...slots];
    this.#now = all;
    for (let at = 0; at < all.length; at++) {
      const slot = all[at] ?? 0;
      if (slot >= this.#isIn.length) {
        this.#isIn = grown(this.#isIn, grownLength(this.#isIn.length, slot + 1));
      }
      this.#isIn[slot] = 1;
    }
  }

  /** The agent is gone. */
  remove(slot: number): void {
    if (this.#isIn[slot] !== 1) return;
    this.#isIn[slot] = 0;
    this.#now = this.#now.filter((each) => each !== slot);
    this.#next = this.#next.filter((each) => each !== slot);
    this.#goOn();
  }

  clear(): void {
    this.#isIn.fill(0);
    this.#now = [];
    this.#next = [];
    this.#isCut = false;
  }

  /** All of them, those of the cycle first. */
  slots(): readonly number[] {
    return [...this.#now, ...this.#next];
  }

  /** Takes out up to `count`, in random order. */
  take(count: number, random: Prng): readonly number[] {
    const now = this.#now;
    const left = Math.max(0, now.length - count);
    // As Fisher and Yates, as far as it is needed.
    for (let last = now.length - 1; last > 0 && last >= left; last--) {
      const other = random.below(last + 1);
      const slot = now[last] ?? 0;
      now[last] = now[other] ?? 0;
      now[other] = slot;
    }
    const taken = left === 0 ? now : now.splice(left);
    if (left === 0) this.#now = [];
    for (const slot of taken) this.#isIn[slot] = 0;
    this.#isCut = left > 0;
    this.#goOn();
    return taken;
  }

  /** Those that were taken, and that their cycle has not come to. */
  putBack(slots: readonly number[]): void {
    if (slots.length === 0) return;
    // With nothing left the next cycle had begun, and now it has not.
    if (!this.#isCut) this.#next = [...this.#now.splice(0), ...this.#next];
    for (const slot of slots) {
      if (this.#isIn[slot] === 1) continue;
      this.#isIn[slot] = 1;
      this.#now.push(slot);
    }
    this.#isCut = this.#now.length > 0;
    this.#goOn();
  }

  /** With nobody left of it, a cycle is over. */
  #goOn(): void {
    if (this.#now.length > 0) return;
    this.#now = this.#next;
    this.#next = [];
    this.#isCut = false;
  }
}
