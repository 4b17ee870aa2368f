/**
 * Texts that live on disk and are read back on demand. Reads see this step's own puts; what-if
 * drops them.
 *
 * A view shows the texts as they were when it was opened, for as long as it is open: whatever a
 * later step writes over or deletes is copied into the views that are open, before it is stored.
 */
import { assert } from "../std/assert.ts";
import type { ColdTableName } from "./rows.ts";

/** Where the stored texts are. Synchronous: SQLite in a Durable Object is. */
export interface ColdReader {
  get(table: ColdTableName, number: number): string | undefined;
  /** The texts with the numbers from `first` to `last`, both included, by number. */
  range(
    table: ColdTableName,
    first: number,
    last: number,
  ): Iterable<readonly [number: number, text: string]>;
}

export interface ColdChange {
  readonly table: ColdTableName;
  readonly number: number;
  /** Undefined = deleted. */
  readonly after: string | undefined;
}

/** Characters that all open views together have copied at most: memory is 128 MB for everything. */
const COPIED_LENGTH_MAX = 8_000_000;

export class ColdStore {
  readonly #reader: ColdReader;
  #changes: ColdChange[] = [];
  readonly #overlay = new Map<string, string | undefined>();
  /** Oldest first. */
  readonly #views = new Set<View>();

  constructor(reader: ColdReader) {
    this.#reader = reader;
  }

  get(table: ColdTableName, number: number): string | undefined {
    const key = keyOf(table, number);
    return this.#overlay.has(key) ? this.#overlay.get(key) : this.#reader.get(table, number);
  }

  put(table: ColdTableName, number: number, text: string): void {
    this.#change({ table, number, after: text });
  }

  delete(table: ColdTableName, number: number): void {
    this.#change({ table, number, after: undefined });
  }

  /** As stored; only between steps, when no change is waiting. */
  range(
    table: ColdTableName,
    first: number,
    last: number,
  ): Iterable<readonly [number: number, text: string]> {
    return this.#reader.range(table, first, last);
  }

  /** The texts as they are now; only between steps. To be closed. */
  view(): ColdView {
    assert(this.#changes.length === 0, "a view is opened between two steps");
    const view = new View(this.#reader, (closed) => this.#views.delete(closed));
    this.#views.add(view);
    return view;
  }

  /**
   * Hands over the changes of the step that ends. Until they are stored nobody may read. What-if
   * takes them too and stores nothing; then a view has copied what has not changed, which does no
   * harm.
   */
  takeChanges(): readonly ColdChange[] {
    const changes = this.#changes;
    this.#changes = [];
    this.#overlay.clear();
    if (this.#views.size > 0) for (const change of changes) this.#copyBefore(change);
    return changes;
  }

  #change(change: ColdChange): void {
    this.#changes.push(change);
    this.#overlay.set(keyOf(change.table, change.number), change.after);
  }

  #copyBefore({ table, number }: ColdChange): void {
    const key = keyOf(table, number);
    const lacking = [...this.#views].filter((view) => !view.has(key));
    if (lacking.length === 0) return;
    const text = this.#reader.get(table, number);
    for (const view of lacking) view.keep(key, text);
    let copied = 0;
    for (const view of this.#views) copied += view.copiedLength;
    for (const oldest of [...this.#views]) {
      if (copied <= COPIED_LENGTH_MAX) return;
      copied -= oldest.copiedLength;
      oldest.lose();
    }
  }
}

/** The texts of one moment. Reads throw `ViewLost` once too much has changed since. */
export interface ColdView {
  get(table: ColdTableName, number: number): string | undefined;
  range(
    table: ColdTableName,
    first: number,
    last: number,
  ): Iterable<readonly [number: number, text: string]>;
  close(): void;
}

/** So much was written since a view was opened that it was given up; its reader starts again. */
export class ViewLost extends Error {
  override readonly name = "ViewLost";
}

class View implements ColdView {
  readonly #reader: ColdReader;
  readonly #onClose: (view: View) => void;
  readonly #kept = new Map<string, string | undefined>();
  #lost = false;
  copiedLength = 0;

  constructor(reader: ColdReader, onClose: (view: View) => void) {
    this.#reader = reader;
    this.#onClose = onClose;
  }

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  keep(key: string, text: string | undefined): void {
    this.#kept.set(key, text);
    this.copiedLength += text?.length ?? 0;
  }

  lose(): void {
    this.#lost = true;
    this.close();
  }

  get(table: ColdTableName, number: number): string | undefined {
    this.#assertKept();
    const key = keyOf(table, number);
    return this.#kept.has(key) ? this.#kept.get(key) : this.#reader.get(table, number);
  }

  range(table: ColdTableName, first: number, last: number): (readonly [number, string])[] {
    this.#assertKept();
    const found = new Map(this.#reader.range(table, first, last));
    const texts: (readonly [number, string])[] = [];
    for (let number = first; number <= last; number++) {
      const key = keyOf(table, number);
      const text = this.#kept.has(key) ? this.#kept.get(key) : found.get(number);
      if (text !== undefined) texts.push([number, text]);
    }
    return texts;
  }

  close(): void {
    this.#kept.clear();
    this.copiedLength = 0;
    this.#onClose(this);
  }

  #assertKept(): void {
    if (this.#lost) throw new ViewLost("too much has changed since this read began");
  }
}

function keyOf(table: ColdTableName, number: number): string {
  return `${table}/${number}`;
}
