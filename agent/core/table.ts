/**
 * Tables of immutable rows, and the Changes that say what a step did to them.
 *
 * 1. A row is never changed in place: `put` replaces it. 2. Rows iterate in the order of their
 * `seq`, which a row gets once, so that a reloaded table and a live one iterate alike. 3. Every
 * `put` and `delete` reaches the recorder: the journal is nothing but these Changes.
 */
import { assert } from "../../worker/std/assert.ts";

export interface Row {
  /** Order of creation, unique within this agent's work directory. */
  readonly seq: number;
}

/** One row put (`after` is the row) or deleted (`after` is undefined). */
export interface Change {
  readonly table: string;
  readonly key: string;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

export class Table<R extends Row> {
  readonly #rows = new Map<string, R>();
  readonly #record: (change: Change) => void;
  readonly #keyOf: (row: R) => string;
  readonly name: string;

  constructor(options: {
    name: string;
    keyOf: (row: R) => string;
    record: (change: Change) => void;
  }) {
    this.name = options.name;
    this.#keyOf = options.keyOf;
    this.#record = options.record;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): R | undefined {
    return this.#rows.get(key);
  }

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** In the order of `seq`. */
  values(): IterableIterator<R> {
    return this.#rows.values();
  }

  put(row: R): R {
    const key = this.#keyOf(row);
    const before = this.#rows.get(key);
    assert(before === undefined || before.seq === row.seq, `${this.name} ${key} keeps its seq`);
    this.#rows.set(key, row);
    this.#record({ table: this.name, key, before, after: row });
    return row;
  }

  delete(key: string): void {
    const before = this.#rows.get(key);
    if (before === undefined) return;
    this.#rows.delete(key);
    this.#record({ table: this.name, key, before, after: undefined });
  }

  /** Fills an empty table from stored rows, without recording. */
  load(rows: readonly R[]): void {
    assert(this.#rows.size === 0, `${this.name} is loaded once`);
    for (const row of rows.toSorted((a, b) => a.seq - b.seq)) this.#rows.set(this.#keyOf(row), row);
  }
}
