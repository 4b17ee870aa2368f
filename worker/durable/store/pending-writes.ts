/**
 * What one turn leaves to be written: the last value of each key, whatever happened to it in
 * between.
 *
 * Pure, and the only place that knows that a row may become durable or cease to be (`durable` in
 * the core's rows).
 */
import type { ColdChange } from "../../core/cold.ts";
import { type ColdTableName, durable, type Rows, type TableName } from "../../core/rows.ts";
import type { Change, Row } from "../../std/table.ts";

/** What becomes of one table: rows to insert or replace, and numbers of rows to delete. */
export interface RowWrites {
  readonly puts: Row[];
  readonly deletes: number[];
}
export interface TextWrites {
  readonly puts: (readonly [number: number, text: string])[];
  readonly deletes: number[];
}

export interface PendingWrites {
  readonly rows: ReadonlyMap<TableName, RowWrites>;
  readonly texts: ReadonlyMap<ColdTableName, TextWrites>;
}

export function pendingWrites(
  changes: readonly Change[],
  coldChanges: readonly ColdChange[],
): PendingWrites {
  return { rows: rowWrites(changes), texts: textWrites(coldChanges) };
}

interface Span {
  readonly table: TableName;
  readonly before: Row | undefined;
  after: Row | undefined;
}

function rowWrites(changes: readonly Change[]): Map<TableName, RowWrites> {
  const spans = new Map<string, Span>();
  for (const { table, key, before, after } of changes) {
    const name = `${table}/${key}`;
    const span = spans.get(name);
    if (span === undefined) spans.set(name, { table: table as TableName, before, after });
    else span.after = after;
  }
  const writes = new Map<TableName, RowWrites>();
  for (const { table, before, after } of spans.values()) {
    if (before === after) continue;
    const stored = before !== undefined && isDurable(table, before);
    const kept = after !== undefined && isDurable(table, after);
    if (!stored && !kept) continue;
    const ofTable = writes.get(table) ?? { puts: [], deletes: [] };
    writes.set(table, ofTable);
    if (kept) ofTable.puts.push(after);
    // A key that was deleted and put again has a new number: the old row goes.
    if (stored && !(kept && after.seq === before.seq)) ofTable.deletes.push(before.seq);
  }
  return writes;
}

/** The Changes of a table carry rows of that table: `Table` records them under its own name. */
function isDurable<T extends TableName>(table: T, row: Row): boolean {
  return durable[table](row as Rows[T]);
}

function textWrites(changes: readonly ColdChange[]): Map<ColdTableName, TextWrites> {
  const last = new Map<string, ColdChange>();
  for (const change of changes) last.set(`${change.table}/${change.number}`, change);
  const writes = new Map<ColdTableName, TextWrites>();
  for (const { table, number, after } of last.values()) {
    const ofTable = writes.get(table) ?? { puts: [], deletes: [] };
    writes.set(table, ofTable);
    if (after === undefined) ofTable.deletes.push(number);
    else ofTable.puts.push([number, after]);
  }
  return writes;
}
