/** What a store holds, in tests: rows and cold texts, as durable as the test wants. */
import type { ColdReader } from "../../worker/core/cold.ts";
import type { Outcome } from "../../worker/core/master.ts";
import { type ColdTableName, durable, type TableName } from "../../worker/core/rows.ts";
import type { StoredRows } from "../../worker/core/state.ts";
import { tableNames } from "../../worker/core/tables.ts";
import type { Row } from "../../worker/std/table.ts";

/** A row as it comes back from a store. Rows never change, so one copy of each will do. */
const copies = new WeakMap<Row, Row>();

export class Disk {
  readonly #rows = new Map<string, Row>();
  readonly #cold = new Map<string, string>();
  rowsWritten = 0;

  readonly cold: ColdReader = {
    get: (table, number) => this.#cold.get(`${table}/${number}`),
    range: (table, first, last) => this.#range(table, first, last),
  };

  /** Whether anything came of it that a store keeps. */
  write(outcome: Outcome): boolean {
    const touched = new Map<string, Row | undefined>();
    for (const { table, key, before, after } of outcome.changes) {
      const isDurable = durable[table as TableName] as (row: Row) => boolean;
      const kept = after !== undefined && isDurable(after) ? after : undefined;
      const was = before !== undefined && isDurable(before);
      if (kept !== undefined || was) touched.set(`${table}|${key}`, kept);
    }
    for (const [name, row] of touched) {
      if (row === undefined) this.#rows.delete(name);
      else this.#rows.set(name, row);
    }
    for (const { table, number, after } of outcome.coldChanges) {
      if (after === undefined) this.#cold.delete(`${table}/${number}`);
      else this.#cold.set(`${table}/${number}`, after);
    }
    const written = touched.size + outcome.coldChanges.length;
    this.rowsWritten += written;
    return written > 0;
  }

  /** As they come back from a store: what JSON does not keep is gone. */
  rows(): StoredRows {
    const rows: Record<string, Row[]> = {};
    for (const name of tableNames) rows[name] = [];
    for (const [name, row] of this.#rows) {
      rows[name.slice(0, name.indexOf("|"))]?.push(readBack(row));
    }
    return rows as StoredRows;
  }

  /** Another disk with the same content. */
  copy(): Disk {
    const disk = new Disk();
    for (const [name, row] of this.#rows) disk.#rows.set(name, row);
    for (const [name, text] of this.#cold) disk.#cold.set(name, text);
    return disk;
  }

  *#range(table: ColdTableName, first: number, last: number): Iterable<readonly [number, string]> {
    for (let number = first; number <= last; number++) {
      const text = this.#cold.get(`${table}/${number}`);
      if (text !== undefined) yield [number, text];
    }
  }
}

function readBack(row: Row): Row {
  let copy = copies.get(row);
  if (copy === undefined) {
    copy = JSON.parse(JSON.stringify(row)) as Row;
    copies.set(row, copy);
  }
  return copy;
}
