/**
 * Texts that live on disk and are read back on demand. Reads see this step's own puts; what-if
 * drops them.
 */
import type { ColdTableName } from "./rows.ts";

/** Where the stored texts are. Synchronous: SQLite in a Durable Object is. */
export interface ColdReader {
  get(table: ColdTableName, number: number): string | undefined;
  scan(table: ColdTableName): Iterable<readonly [number: number, text: string]>;
}

export interface ColdChange {
  readonly table: ColdTableName;
  readonly number: number;
  /** Undefined = deleted. */
  readonly after: string | undefined;
}

export class ColdStore {
  readonly #reader: ColdReader;
  #changes: ColdChange[] = [];
  readonly #overlay = new Map<string, string | undefined>();

  constructor(reader: ColdReader) {
    this.#reader = reader;
  }

  get(table: ColdTableName, number: number): string | undefined {
    const key = `${table}/${number}`;
    return this.#overlay.has(key) ? this.#overlay.get(key) : this.#reader.get(table, number);
  }

  put(table: ColdTableName, number: number, text: string): void {
    this.#change({ table, number, after: text });
  }

  delete(table: ColdTableName, number: number): void {
    this.#change({ table, number, after: undefined });
  }

  /** Everything in the table as stored; only between steps, when no change is waiting. */
  scan(table: ColdTableName): Iterable<readonly [number, string]> {
    return this.#reader.scan(table);
  }

  /** Hands over the changes of the step that ends. Until they are stored nobody may read. */
  takeChanges(): readonly ColdChange[] {
    const changes = this.#changes;
    this.#changes = [];
    this.#overlay.clear();
    return changes;
  }

  #change(change: ColdChange): void {
    this.#changes.push(change);
    this.#overlay.set(`${change.table}/${change.number}`, change.after);
  }
}
