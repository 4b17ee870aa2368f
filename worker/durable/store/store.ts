/**
 * The master's rows in the SQLite of its Durable Object: saved turn by turn, loaded once per life.
 *
 * 1. What `save` was given is on disk whole or not at all. 2. `load` gives back the rows that
 * `durable` marks, as they were last saved. 3. The core knows nothing of this, and this knows
 * nothing of what is in a row.
 *
 * Plain on purpose: one table per core table, one row per Change. Rows written are what a cluster
 * pays for, so they are counted here, and nothing has a secondary index.
 */
import { getTableName, type Table } from "drizzle-orm";
import { drizzle } from "drizzle-orm/durable-sqlite";
import { migrate } from "drizzle-orm/durable-sqlite/migrator";
import migrations from "../../../migrations/master/migrations.js";
import type { ColdChange, ColdReader } from "../../core/cold.ts";
import type { ColdTableName, Rows, TableName } from "../../core/rows.ts";
import type { StoredRows } from "../../core/state.ts";
import { assert, defined } from "../../std/assert.ts";
import type { Change, Row } from "../../std/table.ts";
import { pendingWrites, type RowWrites, type TextWrites } from "./pending-writes.ts";
import * as schema from "./schema.ts";
import { upgrades } from "./upgrade.ts";

/** Tables of which `durable` marks no row have no place on disk. */
const rowTables: { readonly [T in TableName]: Table | undefined } = {
  cluster: schema.cluster,
  counter: schema.counter,
  framework: schema.framework,
  completedFramework: schema.completedFramework,
  stream: undefined,
  agent: schema.agent,
  goneAgent: schema.goneAgent,
  offer: undefined,
  task: schema.task,
  executor: schema.executor,
  operation: schema.operation,
  update: undefined,
  command: schema.command,
  filter: schema.filter,
  role: schema.role,
  audit: schema.audit,
  machine: schema.machine,
  inverseOffer: undefined,
  inverseAnswer: schema.inverseAnswer,
  subscriber: undefined,
  relay: schema.relay,
  relayWatch: undefined,
};

const textTables: { readonly [T in ColdTableName]: Table } = {
  taskBody: schema.taskBody,
  completedTask: schema.completedTask,
};

/**
 * UTF-16 code units bound to one parameter at most. SQLite in a Durable Object takes 2 MB per
 * value, and a code unit is at most 3 bytes of UTF-8.
 */
const PARAMETER_LENGTH = 600_000;

/**
 * Characters of one row or text at most: 2 MB, when all of them are ASCII as JSON nearly always is.
 */
const VALUE_LENGTH = 1_900_000;

export class Store {
  readonly #storage: DurableObjectStorage;
  #rowsWritten = 0;
  #failNext = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Rows written since this object woke up, as Cloudflare counts and bills them. */
  get rowsWritten(): number {
    return this.#rowsWritten;
  }

  /** Brings the tables to the newest shape. Idempotent; before everything else. */
  async migrate(): Promise<void> {
    await migrate(drizzle(this.#storage), migrations);
  }

  /** Every stored row, by table; those of earlier versions are brought up to date on disk first. */
  load(): StoredRows {
    const stored = this.#loadAll();
    const changes = upgrades(stored);
    if (changes.length === 0) return stored;
    this.save(changes, []);
    return this.#loadAll();
  }

  #loadAll(): StoredRows {
    const rows: { [T in TableName]?: Row[] } = {};
    for (const [name, table] of Object.entries(rowTables) as [TableName, Table | undefined][]) {
      if (table !== undefined) rows[name] = this.#loadTable(table);
    }
    // What was saved from a table of this name is what comes back: `save` is the only writer.
    return rows as { [T in TableName]?: Rows[T][] };
  }

  /**
   * Writes one turn in one transaction. Throws when SQLite refuses; then nothing of it was written.
   */
  save(changes: readonly Change[], coldChanges: readonly ColdChange[]): void {
    const writes = pendingWrites(changes, coldChanges);
    if (writes.rows.size === 0 && writes.texts.size === 0) return;
    this.#storage.transactionSync(() => {
      for (const [name, ofTable] of writes.rows) this.#writeRows(name, ofTable);
      for (const [name, ofTable] of writes.texts) this.#writeTexts(name, ofTable);
      if (this.#failNext) {
        this.#failNext = false;
        throw new Error("this transaction was told to fail");
      }
    });
  }

  /** Test only: the next transaction fails when everything has been written. */
  failNext(): void {
    this.#failNext = true;
  }

  /** The texts that are kept on disk only, read one by one while a turn runs. */
  get cold(): ColdReader {
    return {
      get: (table, number) => {
        const name = getTableName(textTables[table]);
        const found = this.#storage.sql.exec<{ text: string }>(
          `SELECT text FROM ${name} WHERE number = ?`,
          number,
        );
        return found.toArray()[0]?.text;
      },
      range: (table, first, last) => {
        const name = getTableName(textTables[table]);
        const query = `SELECT number, text FROM ${name} WHERE number BETWEEN ? AND ? ORDER BY number`;
        return this.#storage.sql
          .exec<{ number: number; text: string }>(query, first, last)
          .raw<[number, string]>();
      },
    };
  }

  #loadTable(table: Table): Row[] {
    const rows: Row[] = [];
    const query = `SELECT row FROM ${getTableName(table)} ORDER BY seq`;
    for (const { row } of this.#storage.sql.exec<{ row: string }>(query))
      rows.push(JSON.parse(row));
    return rows;
  }

  #writeRows(name: TableName, { puts, deletes }: RowWrites): void {
    const table = getTableName(defined(rowTables[name], `${name} is a table on disk`));
    this.#delete(`DELETE FROM ${table} WHERE seq`, deletes);
    // An element that is an object comes out of json_each as its own text, unchanged.
    const put =
      `INSERT INTO ${table} (seq, row) SELECT json_extract(value, '$.seq'), value ` +
      "FROM json_each(?) WHERE true ON CONFLICT (seq) DO UPDATE SET row = excluded.row";
    for (const parameter of parameters(puts.map((row) => JSON.stringify(row)))) {
      this.#run(put, parameter);
    }
  }

  #writeTexts(name: ColdTableName, { puts, deletes }: TextWrites): void {
    const table = getTableName(textTables[name]);
    this.#delete(`DELETE FROM ${table} WHERE number`, deletes);
    const upsert = "ON CONFLICT (number) DO UPDATE SET text = excluded.text";
    const many =
      `INSERT INTO ${table} (number, text) SELECT json_extract(value, '$[0]'), ` +
      `json_extract(value, '$[1]') FROM json_each(?) WHERE true ${upsert}`;
    const small = puts.filter(([, text]) => text.length < PARAMETER_LENGTH / 2);
    for (const parameter of parameters(small.map((put) => JSON.stringify(put)))) {
      this.#run(many, parameter);
    }
    for (const [number, text] of puts) {
      if (text.length < PARAMETER_LENGTH / 2) continue;
      assert(text.length <= VALUE_LENGTH, `${table} ${number} fits into one value of the store`);
      this.#run(`INSERT INTO ${table} (number, text) VALUES (?, ?) ${upsert}`, number, text);
    }
  }

  #delete(statement: string, numbers: readonly number[]): void {
    if (numbers.length === 0) return;
    const list = JSON.stringify(numbers);
    this.#run(`${statement} IN (SELECT value FROM json_each(?))`, list);
  }

  #run(statement: string, ...parameters: (string | number)[]): void {
    const cursor = this.#storage.sql.exec(statement, ...parameters);
    cursor.toArray();
    this.#rowsWritten += cursor.rowsWritten;
  }
}

/** JSON lists of these JSON values, each list short enough to be bound to one parameter. */
function* parameters(values: readonly string[]): Iterable<string> {
  let list: string[] = [];
  let length = 0;
  for (const value of values) {
    assert(value.length <= VALUE_LENGTH, "a row fits into one value of the store");
    if (list.length > 0 && length + value.length > PARAMETER_LENGTH) {
      yield `[${list.join(",")}]`;
      list = [];
      length = 0;
    }
    list.push(value);
    length += value.length + 1;
  }
  if (list.length > 0) yield `[${list.join(",")}]`;
}
