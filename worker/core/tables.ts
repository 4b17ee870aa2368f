/** The master's tables by name: how they are called, and how a row is found in each. */

import type { Table } from "../std/table.ts";
import type { Rows, TableName } from "./rows.ts";

export type Tables = { readonly [T in TableName]: Table<Rows[T]> };

/** In the order in which a load fills them: whoever follows finds what a row refers to. */
export const tableNames: readonly TableName[] = [
  "cluster",
  "counter",
  "role",
  "relay",
  "relayWatch",
  "agent",
  "framework",
  "completedFramework",
  "stream",
  "task",
  "update",
  "command",
  "filter",
  "offer",
];

/** How a row is found. Two parts are joined by "/", which no id may contain. */
export const keyOf: { readonly [T in TableName]: (row: Rows[T]) => string } = {
  cluster: () => "cluster",
  counter: (row) => row.name,
  framework: (row) => row.id,
  completedFramework: (row) => row.id,
  stream: (row) => row.id,
  agent: (row) => row.id,
  offer: (row) => row.id,
  task: (row) => taskKey(row.frameworkId, row.id),
  update: (row) => String(row.seq),
  command: (row) => String(row.seq),
  filter: (row) => String(row.seq),
  role: (row) => row.name,
  relay: (row) => row.id,
  relayWatch: (row) => row.relayId,
};

export function taskKey(frameworkId: string, taskId: string): string {
  return `${frameworkId}/${taskId}`;
}
