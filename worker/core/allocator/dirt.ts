/**
 * Agents worth looking at, by slot, in the order in which they became so.
 *
 * A cycle that is cut goes on with those that it has not come to; who becomes worth looking at
 * meanwhile waits for the next one. So an agent that is freed again and again does not keep others
 * waiting, however often a cycle is cut.
 */
import type { Prng } from "../../std/prng.ts";

export class Dirt {
  /** Of the cycle that is going on, or begins next. */
  #now: number[] = [];
  #next: number[] = [];
  readonly #isIn = new Set<number>();
  /** Some of the cycle were taken out, and some are left. */
  #isCut = false;

  get size(): number {
    return this.#isIn.size;
  }

  add(slot: number): void {
    if (this.#isIn.has(slot)) return;
    this.#isIn.add(slot);
    if (this.#isCut) this.#next.push(slot);
    else this.#now.push(slot);
  }

  /** All there are: in the order given, unless a cycle is going on. */
  addAll(slots: Iterable<number>): void {
    if (!this.#isCut) this.clear();
    for (const slot of slots) this.add(slot);
  }

  /** The agent is gone. */
  remove(slot: number): void {
    if (!this.#isIn.delete(slot)) return;
    this.#now = this.#now.filter((each) => each !== slot);
    this.#next = this.#next.filter((each) => each !== slot);
    this.#goOn();
  }

  clear(): void {
    this.#isIn.clear();
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
    const taken = Math.min(count, now.length);
    // As Fisher and Yates, as far as it is needed.
    for (let last = now.length - 1; last > 0 && last >= now.length - taken; last--) {
      const other = random.below(last + 1);
      [now[last], now[other]] = [now[other] ?? 0, now[last] ?? 0];
    }
    const slots = now.splice(now.length - taken, taken);
    for (const slot of slots) this.#isIn.delete(slot);
    this.#isCut = now.length > 0;
    this.#goOn();
    return slots;
  }

  /** Those that were taken, and that their cycle has not come to. */
  putBack(slots: readonly number[]): void {
    if (slots.length === 0) return;
    // With nothing left the next cycle had begun, and now it has not.
    if (!this.#isCut) this.#next = [...this.#now.splice(0), ...this.#next];
    const back = slots.filter((slot) => !this.#isIn.has(slot));
    for (const slot of back) this.#isIn.add(slot);
    this.#now.push(...back);
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
