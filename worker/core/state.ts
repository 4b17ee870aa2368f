/**
 * The master's state: tables, cold texts, and indexes derived from the tables.
 *
 * Only tables and cold texts are truth. Everything in `index` follows from the Changes of the
 * tables and is equal to what a fresh load would make (checked by `checkInvariants`).
 */
import type { ClusterId } from "../protocol/ids.ts";
import { isTerminal } from "../protocol/task-state.ts";
import { assert, defined } from "../std/assert.ts";
import { type Change, Table } from "../std/table.ts";
import { leanAgentRow } from "./agent/lean-row.ts";
import { Allocation } from "./allocator/allocation.ts";
import { type ColdReader, ColdStore } from "./cold.ts";
import { Index } from "./index.ts";
import { LastOffers } from "./offer/last-offers.ts";
import { Refusals } from "./offer/refusals.ts";
import type { CounterName, Rows, TableName } from "./rows.ts";
import { defaultSettings, type MasterSettings } from "./settings.ts";
import { SharedValues } from "./shared-values.ts";
import { keyOf, type Tables, tableNames } from "./tables.ts";

export type StoredRows = { readonly [T in TableName]?: readonly Rows[T][] };

export interface MasterState {
  readonly settings: MasterSettings;
  readonly tables: Tables;
  readonly cold: ColdStore;
  readonly index: Index;
  readonly refusals: Refusals;
  readonly allocation: Allocation;
  /** Values that many rows have alike. */
  readonly shared: SharedValues;
  readonly lastOffers: LastOffers;
  /** Changes since the current step began. */
  changes: Change[];
  /** When this life began (the stamp of RESTARTED), ms; volatile rows are younger. */
  startedMs: number;
  /** Next number of every counter; stored ahead in blocks (`CounterRow`). */
  readonly next: Map<CounterName, number>;
  /** How many tasks frameworks have completed, as far as it was asked: see `task/completed.ts`. */
  readonly completedCounts: Map<number, number>;
}

/** Numbers taken from disk at once. After a restart the rest of a block is skipped. */
const COUNTER_BLOCK: { readonly [C in CounterName]: number } = {
  seq: 10_000,
  agent: 1,
  framework: 1,
  offer: 1_000,
};
const counterNames: readonly CounterName[] = ["seq", "agent", "framework", "offer"];

interface StateOptions {
  readonly cold: ColdReader;
  readonly settings?: MasterSettings;
}

/** An empty cluster. Its first step must be RESTARTED. */
export function createState(options: StateOptions): MasterState {
  return loadState({}, options);
}

/** The state as it was stored. Its first step must be RESTARTED. */
export function loadState(rows: StoredRows, options: StateOptions): MasterState {
  const changes: Change[] = [];
  const record = (change: Change): void => {
    state.changes.push(change);
    follow(state, change);
  };
  const table = <T extends TableName>(name: T): Table<Rows[T]> =>
    new Table<Rows[T]>({ name, keyOf: keyOf[name], record });
  const tables: Tables = {
    cluster: table("cluster"),
    counter: table("counter"),
    framework: table("framework"),
    completedFramework: table("completedFramework"),
    stream: table("stream"),
    agent: table("agent"),
    goneAgent: table("goneAgent"),
    offer: table("offer"),
    task: table("task"),
    executor: table("executor"),
    operation: table("operation"),
    update: table("update"),
    command: table("command"),
    filter: table("filter"),
    role: table("role"),
    audit: table("audit"),
    machine: table("machine"),
    inverseOffer: table("inverseOffer"),
    inverseAnswer: table("inverseAnswer"),
    subscriber: table("subscriber"),
    relay: table("relay"),
    relayWatch: table("relayWatch"),
  };
  const refusals = new Refusals(tables);
  const settings = options.settings ?? defaultSettings;
  const state: MasterState = {
    settings,
    tables,
    cold: new ColdStore(options.cold),
    index: new Index(tables),
    refusals,
    shared: new SharedValues(),
    allocation: new Allocation(tables, refusals, settings),
    lastOffers: new LastOffers(),
    changes,
    startedMs: 0,
    next: new Map(),
    completedCounts: new Map(),
  };
  const commands = [...(rows.command ?? []), ...launchCommands(rows.task ?? [])];
  const loaded: StoredRows = { ...rows, command: commands, ...sharedRows(rows, state.shared) };
  for (const name of tableNames) loadTable(state, name, loaded[name] ?? []);
  for (const name of counterNames) {
    state.next.set(name, tables.counter.get(name)?.reserved ?? firstNumber(name));
  }
  return state;
}

/** As they would be if they had not been stored: a text of JSON has everything anew. */
function sharedRows(
  { agent = [], filter = [] }: StoredRows,
  shared: SharedValues,
): Pick<StoredRows, "agent" | "filter"> {
  return {
    agent: agent.map((row) => leanAgentRow(row, shared)),
    filter: filter.map((row) => ({
      ...row,
      refused: row.refused.map((each) => shared.resources(each)),
    })),
  };
}

function loadTable<T extends TableName>(
  state: MasterState,
  name: T,
  rows: readonly Rows[T][],
): void {
  const table = state.tables[name];
  table.load(rows);
  for (const row of table.values()) {
    follow(state, { table: name, key: keyOf[name](row), before: undefined, after: row });
  }
}

/** What the allocation asks of the others is as it will be after the Change. */
function follow(state: MasterState, change: Change): void {
  state.index.follow(change);
  state.refusals.follow(change);
  state.allocation.follow(change);
  state.lastOffers.follow(change);
}

/**
 * The launches that may not have arrived: of tasks of which no agent has said anything. One that
 * did arrive is sent again, and the agent knows its number.
 */
function launchCommands(tasks: readonly Rows["task"][]): Rows["command"][] {
  const commands = new Map<number, Rows["command"]>();
  for (const task of tasks) {
    const { run: seq, agentId, frameworkId, id, group } = task;
    if (task.statusState !== "TASK_STAGING" || isTerminal(task.state)) continue;
    commands.set(seq, {
      seq,
      agentId,
      command:
        group === undefined
          ? { type: "RUN_TASK", frameworkId, taskId: id }
          : { type: "RUN_TASK_GROUP", frameworkId, ...group },
    });
  }
  return [...commands.values()];
}

/** Seqs below 100 belong to the counters' own rows. */
function firstNumber(name: CounterName): number {
  return name === "seq" ? 100 : 0;
}

/** Makes the counters' rows, all at once, so that they are in the order of their seqs. */
export function foundCounters(state: MasterState): void {
  counterNames.forEach((name, seq) => {
    state.tables.counter.put({ seq, name, reserved: state.next.get(name) ?? 0 });
  });
}

/** The next number of a counter; never given twice, also not after a restart. */
export function takeNumber(state: MasterState, name: CounterName): number {
  const number = defined(state.next.get(name), `counter ${name} is set up`);
  state.next.set(name, number + 1);
  const row = defined(state.tables.counter.get(name), `counter ${name} has its row`);
  if (number >= row.reserved) {
    state.tables.counter.put({ ...row, reserved: number + COUNTER_BLOCK[name] });
  }
  return number;
}

/** Makes a counter go on above `number`. */
export function countAbove(state: MasterState, name: CounterName, number: number): void {
  if (number < defined(state.next.get(name), `counter ${name} is set up`)) return;
  state.next.set(name, number + 1);
  const row = defined(state.tables.counter.get(name), `counter ${name} has its row`);
  if (number < row.reserved) return;
  state.tables.counter.put({ ...row, reserved: number + COUNTER_BLOCK[name] });
}

/** The seq of a new row. */
export function newSeq(state: MasterState): number {
  return takeNumber(state, "seq");
}

/** The cluster's id, which every other id begins with. */
export function clusterId(state: MasterState): ClusterId {
  const row = state.tables.cluster.get("cluster");
  assert(row !== undefined, "RESTARTED came before every other input");
  return row.id;
}
