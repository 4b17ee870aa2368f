/**
 * What operators have changed: who, when, with which call, and what was so before and after.
 *
 * Every call that changes the cluster for an operator goes through `audited`, Mesos' calls and our
 * own alike: what it did is read off the Changes of rows that hold an operator's settings, so a new
 * call is in the books without a line of its own. What only follows from a call (offers that are
 * rescinded, tasks that end) is not in them; neither is a call that was refused.
 *
 * 1. The last `AUDIT_ENTRIES_MAX` entries are kept, the oldest goes first. 2. An entry is bounded:
 * long texts are cut, and changes that have no room are counted. 3. An entry is written in the same
 * transaction as what it tells.
 */
import { formatResources } from "../../resources/text.ts";
import type { Change } from "../../std/table.ts";
import { AUDIT_ENTRIES_MAX } from "../constants.ts";
import { frameworkInfo } from "../framework/info.ts";
import type { AuditChange, Rows, TableName } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { quotaText } from "./audit-text.ts";

/** Characters of the texts of one entry, and of one text in it. */
const ENTRY_LENGTH = 4_000;
const TEXT_LENGTH = 400;

/** `call`: the name of the call that `change` carries out, if it is in order. */
export function audited(turn: Turn, call: string, change: () => void): void {
  const { state, effects } = turn;
  const firstChange = state.changes.length;
  const firstEffect = effects.length;
  change();
  const isCarriedOut = effects
    .slice(firstEffect)
    .some((effect) => effect.type === "REPLY" && effect.reply.type !== "REFUSED");
  if (!isCarriedOut) return;
  const { audit } = state.tables;
  const told = changesToTell(state.changes.slice(firstChange));
  const { kept, leftOut } = bounded(told);
  audit.put({
    seq: newSeq(state),
    atMs: turn.nowMs,
    call,
    changes: kept,
    ...(turn.principal.value !== undefined && { principal: cut(turn.principal.value) }),
    ...(leftOut > 0 && { leftOut }),
  });
  for (const { seq } of audit.values()) {
    if (audit.size <= AUDIT_ENTRIES_MAX) break;
    audit.delete(String(seq));
  }
}

/** What an operator may want to know of a row: texts by what they are about. */
type Facts = Readonly<Record<string, string | undefined>>;

/** How a row is called in an entry, and its facts; tables that are not here are not told of. */
const told: {
  readonly [T in TableName]?: {
    readonly subject: (row: Rows[T]) => string;
    readonly facts: (row: Rows[T]) => Facts;
    /** False: a row that goes is told of by somebody else. */
    readonly whenDeleted: boolean;
  };
} = {
  cluster: { subject: () => "cluster", facts: ({ policy }) => ({ policy }), whenDeleted: false },
  role: {
    subject: ({ name }) => `role ${name}`,
    facts: ({ weight, priority, quota }) => ({
      weight: weight?.toString(),
      priority: priority?.toString(),
      quota: quota && quotaText(quota),
    }),
    whenDeleted: true,
  },
  agent: {
    subject: ({ id }) => `agent ${id}`,
    facts: ({ service, total }) => ({ service: service.state, resources: formatResources(total) }),
    whenDeleted: false,
  },
  goneAgent: {
    subject: ({ id }) => `agent ${id}`,
    facts: () => ({ gone: "true" }),
    whenDeleted: false,
  },
  machine: {
    subject: ({ hostname, ip }) => `machine ${[hostname, ip].filter(Boolean).join(" / ")}`,
    facts: ({ mode, startNs, durationNs }) => ({
      mode,
      start: isoTime(startNs),
      duration: durationNs === undefined ? undefined : `${Number(durationNs) / 1e9}secs`,
    }),
    whenDeleted: true,
  },
  framework: {
    subject: ({ id }) => `framework ${id}`,
    facts: (row) => ({ name: frameworkInfo(row).name }),
    whenDeleted: true,
  },
};

/** A row that changed several times is told of once, from its first state to its last. */
function changesToTell(changes: readonly Change[]): readonly AuditChange[] {
  const ends = new Map<string, Change>();
  for (const change of changes) {
    const place = `${change.table}|${change.key}`;
    const { before } = ends.get(place) ?? change;
    ends.set(place, { ...change, before });
  }
  return [...ends.values()].flatMap(differences);
}

function differences(change: Change): readonly AuditChange[] {
  const { before, after } = change;
  // A change's table is one of the master's, and its rows are of that table.
  const entry = told[change.table as TableName] as
    | { subject: (row: unknown) => string; facts: (row: unknown) => Facts; whenDeleted: boolean }
    | undefined;
  const row = after ?? before;
  if (entry === undefined || row === undefined) return [];
  if (after === undefined && !entry.whenDeleted) return [];
  const old: Facts = before === undefined ? {} : entry.facts(before);
  const now: Facts = after === undefined ? {} : entry.facts(after);
  const subject = cut(entry.subject(row));
  const fields = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return fields
    .filter((field) => old[field] !== now[field])
    .map((field) => ({
      subject,
      field,
      ...(old[field] !== undefined && { before: cut(old[field]) }),
      ...(now[field] !== undefined && { after: cut(now[field]) }),
    }));
}

function bounded(changes: readonly AuditChange[]): {
  readonly kept: readonly AuditChange[];
  readonly leftOut: number;
} {
  const kept: AuditChange[] = [];
  let length = 0;
  for (const change of changes) {
    length += JSON.stringify(change).length;
    if (length > ENTRY_LENGTH) break;
    kept.push(change);
  }
  return { kept, leftOut: changes.length - kept.length };
}

function cut(text: string): string {
  return text.length <= TEXT_LENGTH ? text : `${text.slice(0, TEXT_LENGTH - 1)}…`;
}

/** Of nanoseconds since 1970 as decimal text; beyond what a date can be, as they are. */
function isoTime(ns: string): string {
  const date = new Date(Number(BigInt(ns) / 1_000_000n));
  return Number.isNaN(date.getTime()) ? `${ns}ns` : date.toISOString();
}
