import type * as own from "../../../protocol/own/operator.ts";
import { ok } from "../../../std/result.ts";
import { AUDIT_ENTRIES_MAX } from "../../constants.ts";
import type { AuditRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";
import type { OwnReading } from "./index.ts";

/** Entries of one answer, unless it is said how many. */
const ENTRIES = 100;

/** What operators have changed, the newest first; `before`: the number of the last entry seen. */
export function* getAudit(
  { tables }: MasterState,
  _nowMs: number,
  { get_audit: asked = {} }: own.Call,
): OwnReading {
  const { limit = ENTRIES, before } = asked;
  const known = tables.audit
    .rows()
    .filter(({ seq }) => before === undefined || BigInt(seq) < before)
    .toReversed();
  const entries = known.slice(0, limit).map(entryMessage);
  yield;
  return ok({ audit: { entries, kept_most: AUDIT_ENTRIES_MAX } });
}

function entryMessage({ seq, atMs, principal, call, changes, leftOut }: AuditRow): own.AuditEntry {
  return {
    number: BigInt(seq),
    time: atMs / 1_000,
    ...(principal !== undefined && { principal }),
    call,
    changes,
    ...(leftOut !== undefined && { changes_left_out: leftOut }),
  };
}
