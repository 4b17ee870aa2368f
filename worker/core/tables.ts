/** The master's tables by name: how they are called, and how a row is found in each. */

import type { Table } from "../std/table.ts";
import type { Rows, TableName } from "./rows.ts";

export type Tables = { readonly [T in TableName]: Table<Rows[T]> };

/** In the order in which a load fills them: whoever follows finds what a row refers to. */
export const tableNames: readonly TableName[] = [
  "cluster",
  "counter",
  "role",
  "audit",
  "machine",
  "relay",
  "relayWatch",
  "agent",
  "goneAgent",
  "framework",
  "completedFramework",
  "stream",
  "subscriber",
  "executor",
  "task",
  "operation",
  "update",
  "command",
  "filter",
  "offer",
  "inverseOffer",
  "inverseAnswer",
];

/** How a row is found. Two parts are joined by "/", which no id may contain. */
export const keyOf: { readonly [T in TableName]: (row: Rows[T]) => string } = {
  cluster: () => "cluster",
  counter: (row) => row.name,
  framework: (row) => row.id,
  completedFramework: (row) => row.id,
  stream: (row) => row.id,
  agent: (row) => row.id,
  goneAgent: (row) => row.id,
  offer: (row) => row.id,
  task: (row) => taskKey(row.frameworkId, row.id),
  executor: (row) => executorKey(row.agentId, row.frameworkId, row.id),
  operation: (row) => row.uuid,
  update: (row) => String(row.seq),
  command: (row) => String(row.seq),
  filter: (row) => String(row.seq),
  role: (row) => row.name,
  audit: (row) => String(row.seq),
  machine: (row) => machineKey(row.hostname, row.ip),
  inverseOffer: (row) => row.id,
  inverseAnswer: (row) => inverseKey(row.frameworkId, row.agentId),
  subscriber: (row) => row.id,
  relay: (row) => row.id,
  relayWatch: (row) => row.relayId,
};

export function taskKey(frameworkId: string, taskId: string): string {
  return `${frameworkId}/${taskId}`;
}

export function executorKey(agentId: string, frameworkId: string, executorId: string): string {
  return `${agentId}/${frameworkId}/${executorId}`;
}

/** Host names are equal in any case. */
export function machineKey(hostname: string, ip: string): string {
  return `${hostname.toLowerCase()}/${ip}`;
}

export function inverseKey(frameworkId: string, agentId: string): string {
  return `${frameworkId}/${agentId}`;
}
