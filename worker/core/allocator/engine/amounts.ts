/**
 * Thousandths by slot and kind. The kinds that a cluster has lie side by side in one array; an
 * agent may name any number of others, and those lie in a map, so that one of them does not cost a
 * column for everybody.
 */
import { grown, grownLength } from "./slots.ts";

/** Kinds that have a column at most. */
export const COLUMNS_MAX = 16;

export class Amounts {
  /** Columns there are; a slot's begin at `slot * stride`. */
  stride = 4;
  columns = new Float64Array(16 * 4);
  readonly #others = new Map<number, Map<number, number>>();

  get(slot: number, kind: number): number {
    if (kind < COLUMNS_MAX) {
      return kind < this.stride ? (this.columns[slot * this.stride + kind] ?? 0) : 0;
    }
    return this.#others.get(slot)?.get(kind) ?? 0;
  }

  set(slot: number, kind: number, thousandths: number): void {
    if (kind < COLUMNS_MAX) {
      if (kind >= this.stride) this.#widen(kind);
      const at = slot * this.stride + kind;
      if (at >= this.columns.length) this.reserve(slot);
      this.columns[at] = thousandths;
      return;
    }
    if (thousandths === 0 && !this.#others.has(slot)) return;
    const others = this.#others.get(slot) ?? new Map<number, number>();
    if (thousandths === 0) others.delete(kind);
    else others.set(kind, thousandths);
    if (others.size === 0) this.#others.delete(slot);
    else this.#others.set(slot, others);
  }

  /** Makes sure that the slot has its columns. */
  reserve(slot: number): void {
    const wanted = (slot + 1) * this.stride;
    if (wanted <= this.columns.length) return;
    this.columns = grown(this.columns, grownLength(this.columns.length, wanted));
  }

  /** The columns, of which the kind has one. */
  reach(kind: number): { readonly columns: Float64Array; readonly stride: number } {
    if (kind >= this.stride) this.#widen(kind);
    return this;
  }

  clear(slot: number): void {
    const begin = slot * this.stride;
    this.columns.fill(0, begin, begin + this.stride);
    this.#others.delete(slot);
  }

  isZero(slot: number): boolean {
    const begin = slot * this.stride;
    for (let at = begin; at < begin + this.stride; at++) {
      if ((this.columns[at] ?? 0) !== 0) return false;
    }
    return !this.#others.has(slot);
  }

  /** Kinds of which the slot has something, with how much. */
  *entries(slot: number): Generator<readonly [kind: number, thousandths: number], void, undefined> {
    for (let kind = 0; kind < this.stride; kind++) {
      const thousandths = this.columns[slot * this.stride + kind] ?? 0;
      if (thousandths !== 0) yield [kind, thousandths];
    }
    yield* this.#others.get(slot) ?? [];
  }

  /** Kinds of the slot that have no column. */
  others(slot: number): ReadonlyMap<number, number> | undefined {
    return this.#others.size === 0 ? undefined : this.#others.get(slot);
  }

  #widen(kind: number): void {
    const [before, stride] = [this.columns, this.stride];
    while (this.stride <= kind) this.stride *= 2;
    const slots = Math.floor(before.length / stride);
    this.columns = new Float64Array(slots * this.stride);
    for (let slot = 0; slot < slots; slot++) {
      const row = before.subarray(slot * stride, (slot + 1) * stride);
      this.columns.set(row, slot * this.stride);
    }
  }
}
