/**
 * Tables of immutable rows, and the Changes that say what a step did to them.
 *
 * 1. A row is never changed in place: `put` replaces it. 2. Rows iterate in the order of their
 * `seq`, which a row gets once, when its key first appears: a reloaded table and a live one iterate
 * alike. 3. Every `put` and `delete` reaches the recorder, so that whoever follows the Changes
 * knows everything.
 */
import { assert } from "./assert.ts";

export interface Row {
  /** Order of creation, unique among all rows that one writer keeps. */
  readonly seq: number;
}

/** One row put or deleted. `before` undefined = new; `after` undefined = deleted. */
export interface Change {
  readonly table: string;
  readonly key: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

export type Recorder = (change: Change) => void;

export class Table<R extends Row, K extends string = string> {
  readonly #rows = new Map<K, R>();
  #list: readonly R[] | undefined;
  #isUnsorted = false;
  readonly #record: Recorder;
  readonly #keyOf: (row: R) => K;
  readonly name: string;

  constructor(options: { name: string; keyOf: (row: R) => K; record: Recorder }) {
    this.name = options.name;
    this.#keyOf = options.keyOf;
    this.#record = options.record;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: K): R | undefined {
    return this.#rows.get(key);
  }

  has(key: K): boolean {
    return this.#rows.has(key);
  }

  /** In the order of `seq`. Rows put or deleted during the iteration may or may not be seen. */
  values(): IterableIterator<R> {
    if (this.#isUnsorted) this.#sort();
    return this.#rows.values();
  }

  /** All rows, in the order of `seq`; the same list until a row is put or deleted. */
  rows(): readonly R[] {
    if (this.#isUnsorted) this.#sort();
    this.#list ??= [...this.#rows.values()];
    return this.#list;
  }

  put(row: R): R {
    this.#list = undefined;
    const key = this.#keyOf(row);
    const before = this.#rows.get(key);
    assert(before === undefined || before.seq === row.seq, `${this.name} ${key} keeps its seq`);
    this.#rows.set(key, row);
    this.#record({ table: this.name, key, before, after: row });
    return row;
  }

  delete(key: K): void {
    const before = this.#rows.get(key);
    if (before === undefined) return;
    this.#list = undefined;
    this.#rows.delete(key);
    this.#record({ table: this.name, key, before, after: undefined });
  }

  /** Puts back what a Change replaced, and records that as a Change of its own. */
  undo(change: Change): void {
    assert(change.table === this.name, `a change of ${change.table} is not undone in ${this.name}`);
    const key = change.key as K;
    if (change.before === undefined) {
      this.delete(key);
      return;
    }
    const reinserted = !this.#rows.has(key);
    this.put(change.before as R);
    // Many are undone together: they are brought in order when somebody asks for it.
    if (reinserted) this.#isUnsorted = true;
  }

  /** Fills an empty table from stored rows, without recording. */
  load(rows: readonly R[]): void {
    assert(this.#rows.size === 0, `${this.name} is loaded once`);
    this.#list = undefined;
    for (const row of rows.toSorted((a, b) => a.seq - b.seq)) this.#rows.set(this.#keyOf(row), row);
  }

  #sort(): void {
    this.#isUnsorted = false;
    this.#list = undefined;
    const sorted = [...this.#rows].sort((a, b) => a[1].seq - b[1].seq);
    this.#rows.clear();
    for (const [key, row] of sorted) this.#rows.set(key, row);
  }
}
