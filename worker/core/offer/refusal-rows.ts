/**
 * How refusals become rows.
 *
 * 1. Long refusals end with a full second. 2. What a client refuses within one second, until the
 * same second, joins one row: whoever declines offers one by one does not have a row for each. The
 * row counts as made when it was joined last.
 */
import type { Resources } from "../../resources/resource.ts";
import { MIN_REFUSE_MS } from "../constants.ts";
import { FILTER_DURABLE_MS, type FilterRow } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { readRefused, writeRefused } from "./refused.ts";

/** An agent by its number, and what is refused of it. */
export type Entry = readonly [number: number, refused: Resources];

/** A row but for its agents. */
export type FilterFacts = Pick<
  FilterRow,
  "frameworkId" | "role" | "cause" | "expiresAtMs" | "blocksAll"
>;

/** When a refusal ends that begins now, ms: never earlier than asked for. */
export function endMs(nowMs: number, durationMs: number): number {
  const askedMs = nowMs + durationMs;
  return durationMs > FILTER_DURABLE_MS ? Math.ceil(askedMs / 1_000) * 1_000 : askedMs;
}

/** Characters of the amounts in one row: what the store takes, and some more for the rest of it. */
const AMOUNTS_LENGTH_MAX = 500_000;

/** `entries`: ascending, each agent once. */
export function putEntries(turn: Turn, entries: readonly Entry[], facts: FilterFacts): void {
  const { state, nowMs: createdMs } = turn;
  let part: Entry[] = [];
  let amounts = new Set<Resources>();
  let length = 0;
  const put = (): void => {
    if (part.length === 0 || join(turn, part, facts)) return;
    state.tables.filter.put({ seq: newSeq(state), ...facts, ...writeRefused(part), createdMs });
  };
  for (const entry of entries) {
    if (!amounts.has(entry[1])) {
      const added = lengthOf(entry[1]);
      if (length + added > AMOUNTS_LENGTH_MAX) {
        put();
        [part, amounts, length] = [[], new Set(), 0];
      }
      amounts.add(entry[1]);
      length += added;
    }
    part.push(entry);
  }
  put();
}

/** Agents of a row that others join: each call that joins writes all of it. */
const JOINED_AGENTS_MAX = 2_048;

/** Whether the client's youngest row has taken the entries in. */
function join({ state, nowMs }: Turn, entries: readonly Entry[], facts: FilterFacts): boolean {
  const { frameworkId, role, cause, expiresAtMs, blocksAll } = facts;
  if (blocksAll || expiresAtMs - nowMs <= FILTER_DURABLE_MS) return false;
  const row = state.refusals.youngestRow(frameworkId, role);
  if (row === undefined || row.blocksAll) return false;
  if (row.cause !== cause || row.expiresAtMs !== expiresAtMs) return false;
  if (nowMs - row.createdMs >= MIN_REFUSE_MS) return false;
  const known = readRefused(row);
  if (known.length + entries.length > JOINED_AGENTS_MAX) return false;
  const numbers = new Set(known.map(([number]) => number));
  if (entries.some(([number]) => numbers.has(number))) return false;
  const all = [...known, ...entries].sort(([a], [b]) => a - b);
  const joined = writeRefused(all);
  const length = joined.refused.reduce((sum, refused) => sum + lengthOf(refused), 0);
  if (length > AMOUNTS_LENGTH_MAX) return false;
  state.tables.filter.put({ ...row, which: undefined, ...joined, createdMs: nowMs });
  return true;
}

function lengthOf(refused: Resources): number {
  return JSON.stringify(refused).length;
}

/** Takes agents out of a row; a row without any goes. */
export function removeAgents(
  state: MasterState,
  row: FilterRow,
  isRemoved: (number: number) => boolean,
): void {
  const { filter } = state.tables;
  const entries = readRefused(row);
  const kept = entries.filter(([number]) => !isRemoved(number));
  if (kept.length === 0) filter.delete(String(row.seq));
  else if (kept.length < entries.length) {
    filter.put({ ...row, which: undefined, ...writeRefused(kept) });
  }
}
