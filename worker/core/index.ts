/**
 * Look-ups derived from the tables, kept in step by their Changes: who has what, and which row is
 * due when.
 */

import type { Change, Row } from "../std/table.ts";
import { TimerQueue } from "../std/timer-queue.ts";
import { AGENT_MEMORY_MS } from "./constants.ts";
import type { Rows, TableName, TaskRow, UpdateRow } from "./rows.ts";
import type { Tables } from "./tables.ts";

/** A row that is due, by table and key. */
export interface DueRow {
  readonly table: TableName;
  readonly key: string;
}

/** When a row wants attention, ms; undefined = never. A row with a due time is a timer. */
const dueMs: { readonly [T in TableName]?: (row: Rows[T]) => number | undefined } = {
  framework: ({ connection }) =>
    connection.state === "CONNECTED" ? undefined : connection.removeAtMs,
  agent: ({ connection }) =>
    connection.state === "UNREACHABLE" ? connection.sinceMs + AGENT_MEMORY_MS : undefined,
  goneAgent: (row) => row.goneMs + AGENT_MEMORY_MS,
  stream: (row) => row.heartbeatDueMs,
  offer: (row) => row.timeoutAtMs,
  filter: (row) => row.expiresAtMs,
  operation: (row) => row.resend?.dueMs,
  inverseAnswer: (row) => row.askAgainMs,
  subscriber: (row) => row.heartbeatDueMs,
  relayWatch: (row) => row.dueMs,
};

/** Where a row is filed: name of the look-up, then the key within it. */
type Filing = readonly (readonly [lookUp: string, key: string])[];
const filing: { readonly [T in TableName]?: (row: Rows[T]) => Filing } = {
  task: (row) => [
    ["tasksOfAgent", row.agentId],
    ["tasksOfFramework", row.frameworkId],
  ],
  offer: (row) => [
    ["offersOfAgent", row.agentId],
    ["offersOfFramework", row.frameworkId],
  ],
  executor: (row) => [
    ["executorsOfAgent", row.agentId],
    ["executorsOfFramework", row.frameworkId],
  ],
  operation: (row) => [
    ["operationsOfAgent", row.agentId],
    ["operationsOfFramework", row.frameworkId ?? ""],
  ],
  inverseOffer: (row) => [
    ["inverseOffersOfAgent", row.agentId],
    ["inverseOffersOfFramework", row.frameworkId],
  ],
  inverseAnswer: (row) => [
    ["inverseAnswersOfAgent", row.agentId],
    ["inverseAnswersOfFramework", row.frameworkId],
  ],
  update: (row) => [["updatesOfTask", `${row.frameworkId}/${row.taskId}`]],
  command: (row) => [["commandsOfAgent", row.agentId]],
  stream: (row) => [["streamsOfFramework", row.frameworkId]],
  agent: (row) => [
    ["agentsOfRelay", row.relayId],
    ["agentsOfSession", row.sessionId],
  ],
};

/** Keys of the rows in one place; most places of most look-ups have one row. */
type RowKeys = string | Set<string>;

export class Index {
  readonly #tables: Tables;
  readonly #filed = new Map<string, Map<string, RowKeys>>();
  readonly due = new TimerQueue<string>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  follow(change: Change): void {
    const table = change.table as TableName;
    const file = filing[table] as ((row: Row) => Filing) | undefined;
    if (file !== undefined) {
      if (change.before !== undefined && change.after === undefined) {
        for (const place of file(change.before)) this.#remove(place, change.key);
      } else if (change.before !== undefined && change.after !== undefined) {
        this.#move(file(change.before), file(change.after), change.key);
      } else if (change.after !== undefined) {
        for (const place of file(change.after)) this.#add(place, change.key);
      }
    }
    const due = dueMs[table] as ((row: Row) => number | undefined) | undefined;
    if (due === undefined) return;
    const at = change.after === undefined ? undefined : due(change.after);
    if (at === undefined) this.due.delete(`${table}|${change.key}`);
    // Joined it is one string, as in the ids of offers.
    else this.due.set([table, change.key].join("|"), at);
  }

  /**
   * Takes out the first row that is due; its due time counts again when the row is put with a new
   * one.
   */
  takeDue(nowMs: number): DueRow | undefined {
    const name = this.due.takeDue(nowMs);
    if (name === undefined) return undefined;
    const bar = name.indexOf("|");
    return { table: name.slice(0, bar) as TableName, key: name.slice(bar + 1) };
  }

  tasksOfAgent = (id: string): TaskRow[] => this.#rows("task", "tasksOfAgent", id);
  tasksOfFramework = (id: string): TaskRow[] => this.#rows("task", "tasksOfFramework", id);
  offersOfAgent = (id: string): Rows["offer"][] => this.#rows("offer", "offersOfAgent", id);
  offersOfFramework = (id: string): Rows["offer"][] => this.#rows("offer", "offersOfFramework", id);
  executorsOfAgent = (id: string): Rows["executor"][] =>
    this.#rows("executor", "executorsOfAgent", id);
  executorsOfFramework = (id: string): Rows["executor"][] =>
    this.#rows("executor", "executorsOfFramework", id);
  operationsOfAgent = (id: string): Rows["operation"][] =>
    this.#rows("operation", "operationsOfAgent", id);
  operationsOfFramework = (id: string): Rows["operation"][] =>
    this.#rows("operation", "operationsOfFramework", id);
  inverseOffersOfAgent = (id: string): Rows["inverseOffer"][] =>
    this.#rows("inverseOffer", "inverseOffersOfAgent", id);
  inverseOffersOfFramework = (id: string): Rows["inverseOffer"][] =>
    this.#rows("inverseOffer", "inverseOffersOfFramework", id);
  inverseAnswersOfAgent = (id: string): Rows["inverseAnswer"][] =>
    this.#rows("inverseAnswer", "inverseAnswersOfAgent", id);
  inverseAnswersOfFramework = (id: string): Rows["inverseAnswer"][] =>
    this.#rows("inverseAnswer", "inverseAnswersOfFramework", id);
  /** In the order in which the agent reported them. */
  updatesOfTask = (key: string): UpdateRow[] => this.#rows("update", "updatesOfTask", key);
  /** In the order of their numbers. */
  commandsOfAgent = (id: string): Rows["command"][] => this.#rows("command", "commandsOfAgent", id);
  streamsOfFramework = (id: string): Rows["stream"][] =>
    this.#rows("stream", "streamsOfFramework", id);
  agentsOfRelay = (id: string): Rows["agent"][] => this.#rows("agent", "agentsOfRelay", id);
  agentsOfSession = (id: string): Rows["agent"][] => this.#rows("agent", "agentsOfSession", id);

  /** How many rows a look-up holds, without copying them. */
  count(lookUp: "agentsOfRelay", key: string): number {
    const keys = this.#filed.get(lookUp)?.get(key);
    return typeof keys === "string" ? 1 : (keys?.size ?? 0);
  }

  #rows<T extends TableName>(table: T, lookUp: string, key: string): Rows[T][] {
    const keys = this.#filed.get(lookUp)?.get(key);
    if (keys === undefined) return [];
    if (typeof keys === "string") {
      const row = this.#tables[table].get(keys);
      return row === undefined ? [] : [row];
    }
    const rows: Rows[T][] = [];
    for (const rowKey of keys) {
      const row = this.#tables[table].get(rowKey);
      if (row !== undefined) rows.push(row);
    }
    return rows.sort((a, b) => a.seq - b.seq);
  }

  #add([lookUp, key]: readonly [string, string], rowKey: string): void {
    const byKey = this.#filed.get(lookUp) ?? new Map<string, RowKeys>();
    this.#filed.set(lookUp, byKey);
    const keys = byKey.get(key);
    if (keys === undefined) byKey.set(key, rowKey);
    else if (typeof keys !== "string") keys.add(rowKey);
    else if (keys !== rowKey) byKey.set(key, new Set([keys, rowKey]));
  }

  #remove([lookUp, key]: readonly [string, string], rowKey: string): void {
    const byKey = this.#filed.get(lookUp);
    const keys = byKey?.get(key);
    if (keys === rowKey) byKey?.delete(key);
    if (keys === undefined || typeof keys === "string") return;
    keys.delete(rowKey);
    if (keys.size === 0) byKey?.delete(key);
  }

  #move(before: Filing, after: Filing, rowKey: string): void {
    before.forEach((place, at) => {
      const target = after[at];
      if (target === undefined || target[1] === place[1]) return;
      this.#remove(place, rowKey);
      this.#add(target, rowKey);
    });
  }
}
