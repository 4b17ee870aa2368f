/**
 * The children of one inner node: all of them by name, and those that want offers in the order of
 * a comparison. The order is kept: only who has changed since it was asked for last is moved.
 *
 * 1. `named` and `byName` have the same nodes. 2. Between two `settle`s, `ordered` is as the last
 * one left it, but for nodes that are gone: who goes through it may be told of changes meanwhile.
 */
import { assert } from "../../../std/assert.ts";
import { grown, grownLength } from "./slots.ts";
import type { TreeColumns } from "./tree-columns.ts";

/**
 * Who of two siblings comes first, by what the columns say of them: below 0 = `a`. Total: never 0
 * for two siblings. What it looks at may only change by notifications of the tree.
 */
export type Compare = (columns: TreeColumns, a: number, b: number) => number;

/** So many are moved one by one also among few. */
const MOVED_AT_LEAST = 4;

export class Siblings {
  readonly byName = new Map<string, number>();
  /** By name, which is their rank. */
  readonly named: number[] = [];
  readonly #names: string[] = [];
  /** Those that want offers, best first: the first `count` of it. */
  ordered = new Int32Array(4);
  count = 0;
  /** The first `#changes` of it have changed since the last `settle`. */
  readonly #changed: number[] = [];
  #changes = 0;
  #totalVersion = -1;
  /** There is nobody to compare it with: its share need not be known. */
  #isAlone = false;

  add(columns: TreeColumns, name: string, node: number): void {
    assert(!this.byName.has(name), `${name} is added once`);
    if (this.#isAlone) this.forgetOrder();
    const at = this.#placeOf(name);
    this.byName.set(name, node);
    this.named.splice(at, 0, node);
    this.#names.splice(at, 0, name);
    this.#rankFrom(columns, at);
  }

  remove(columns: TreeColumns, name: string, node: number): void {
    const at = this.#placeOf(name);
    assert(this.named[at] === node, `${name} is where its name belongs`);
    this.byName.delete(name);
    this.named.splice(at, 1);
    this.#names.splice(at, 1);
    this.#rankFrom(columns, at);
    // Its slot may soon be another's, so that it must not be left lying anywhere.
    this.#takeOut(node);
    const changed = this.#changed.indexOf(node);
    if (changed < 0 || changed >= this.#changes) return;
    this.#changed.splice(changed, 1);
    this.#changes--;
  }

  noteChange(columns: TreeColumns, node: number): void {
    if (columns.isChanged[node] === 1) return;
    columns.isChanged[node] = 1;
    this.#changed[this.#changes++] = node;
  }

  /** From the next `settle` on all are in order anew. */
  forgetOrder(): void {
    this.#totalVersion = -1;
  }

  isSettled(totalVersion: number): boolean {
    return this.#changes === 0 && this.#totalVersion === totalVersion;
  }

  /** Puts who has changed where he belongs; everybody when the total is another one. */
  settle(by: SettleBy): void {
    const isSameTotal = this.#totalVersion === by.totalVersion;
    // Each that is moved costs a move of all that come after it.
    const isFew = this.#changes <= Math.max(MOVED_AT_LEAST, this.count >> 3);
    this.#isAlone = this.named.length === 1;
    if (this.#isAlone) this.#putAlone(by);
    else if (!isSameTotal || !isFew) this.#sort(by);
    else if (this.#changes > 1 || !this.#moveBack(by, this.#changed[0] ?? 0)) this.#move(by);
    for (let at = 0; at < this.#changes; at++) by.columns.isChanged[this.#changed[at] ?? 0] = 0;
    this.#changes = 0;
    this.#totalVersion = by.totalVersion;
  }

  #putAlone({ columns }: SettleBy): void {
    const node = this.named[0] ?? 0;
    this.ordered[0] = node;
    this.count = (columns.wanting[node] ?? 0) > 0 ? 1 : 0;
  }

  /**
   * What an offer does: one that is in order already goes some places back, most often from the
   * front. False: that is not what has happened, and nothing was done.
   */
  #moveBack({ columns, compare, measure }: SettleBy, node: number): boolean {
    const { ordered } = this;
    let at = 0;
    while (at < this.count && ordered[at] !== node) at++;
    if (at === this.count || (columns.wanting[node] ?? 0) === 0) return false;
    measure(node);
    if (at > 0 && compare(columns, node, ordered[at - 1] ?? 0) < 0) return false;
    let [low, high] = [at, this.count - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compare(columns, ordered[middle] ?? 0, node) < 0) low = middle;
      else high = middle - 1;
    }
    ordered.copyWithin(at, at + 1, low + 1);
    ordered[low] = node;
    return true;
  }

  #move(by: SettleBy): void {
    const { columns } = by;
    const changed = this.#changed.slice(0, this.#changes);
    for (const node of changed) this.#takeOut(node);
    for (const node of changed) {
      if ((columns.wanting[node] ?? 0) === 0) continue;
      by.measure(node);
      this.#putIn(by, node);
    }
  }

  #sort(by: SettleBy): void {
    const { columns } = by;
    const wanting = this.named.filter((node) => (columns.wanting[node] ?? 0) > 0);
    for (const node of wanting) by.measure(node);
    this.#reserve(wanting.length);
    this.ordered.set(wanting);
    this.count = wanting.length;
    this.ordered.subarray(0, this.count).sort((a, b) => by.compare(columns, a, b));
  }

  #takeOut(node: number): void {
    const at = this.ordered.indexOf(node);
    if (at < 0 || at >= this.count) return;
    this.ordered.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  #putIn({ columns, compare }: SettleBy, node: number): void {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(columns, this.ordered[middle] ?? 0, node) < 0) low = middle + 1;
      else high = middle;
    }
    this.#reserve(this.count + 1);
    this.ordered.copyWithin(low + 1, low, this.count);
    this.ordered[low] = node;
    this.count++;
  }

  #reserve(count: number): void {
    if (count <= this.ordered.length) return;
    this.ordered = grown(this.ordered, grownLength(this.ordered.length, count));
  }

  #placeOf(name: string): number {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#names[middle] ?? "") < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #rankFrom(columns: TreeColumns, at: number): void {
    for (let rank = at; rank < this.named.length; rank++) {
      columns.rank[this.named[rank] ?? 0] = rank;
    }
  }
}

export interface SettleBy {
  readonly columns: TreeColumns;
  readonly compare: Compare;
  /** Rises with every change of the total. */
  totalVersion: number;
  /** Brings the share of a node up to date. */
  readonly measure: (node: number) => void;
}
