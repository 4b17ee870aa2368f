/** Refusals: what a framework declined, or left unused, is kept from it for a while. */

import type { FrameworkId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { isEmpty, NO_RESOURCES } from "../../resources/algebra.ts";
import { DEFAULT_REFUSE_MS, MAX_REFUSE_MS, MIN_REFUSE_MS } from "../constants.ts";
import type { FilterRow, OfferRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { type Entry, endMs, putEntries } from "./refusal-rows.ts";
import { isRecentDecline, type RefusedOffer, refuse } from "./refuse.ts";
import { readRefused } from "./refused.ts";

/** How long a refusal lasts by `Filters.refuse_seconds` (http-semantics 4.3), ms. At least one second. */
export function refuseMs(filters: mesos.Filters | undefined): number {
  const seconds = filters?.refuse_seconds;
  if (seconds === undefined || Number.isNaN(seconds) || seconds < 0) return DEFAULT_REFUSE_MS;
  return Math.min(MAX_REFUSE_MS, Math.max(MIN_REFUSE_MS, seconds * 1_000));
}

/** Keeps `refused` of the offers' agents from the framework, each for its offer's role. */
export function addFilters(
  turn: Turn,
  frameworkId: FrameworkId,
  offers: readonly RefusedOffer[],
  { cause, durationMs }: Pick<FilterRow, "cause"> & { readonly durationMs: number },
): void {
  refuse(turn, offers, { frameworkId, cause, expiresAtMs: endMs(turn.nowMs, durationMs) });
}

/** The same of one offer. */
export function addFilter(
  turn: Turn,
  offer: OfferRow,
  {
    refused,
    ...facts
  }: Pick<RefusedOffer, "refused"> & Pick<FilterRow, "cause"> & { readonly durationMs: number },
): void {
  addFilters(turn, offer.frameworkId, [{ offer, refused }], facts);
}

/** Forgets what the framework refused for these roles: it may be offered everything again. */
export function forgetFilters(
  turn: Turn,
  frameworkId: FrameworkId,
  isConcerned: (role: string) => boolean = () => true,
): void {
  for (const { role, seq } of turn.state.refusals.rowsOf(frameworkId)) {
    if (isConcerned(role)) turn.state.tables.filter.delete(String(seq));
  }
}

/**
 * The same because the framework asks for it, as often as it likes: brakes stay for the rest of
 * their second, and what it declined just now is remembered for as long, so that to decline, to
 * revive and to decline again is as hasty as without the REVIVE.
 */
export function liftFilters(
  turn: Turn,
  frameworkId: FrameworkId,
  isConcerned: (role: string) => boolean,
): void {
  const { refusals, tables } = turn.state;
  for (const role of new Set(refusals.rowsOf(frameworkId).map((row) => row.role))) {
    if (!isConcerned(role)) continue;
    const numbers = new Set<number>();
    for (const row of refusals.rowsOf(frameworkId, role)) {
      if (isBrake(row)) continue;
      if (isRecentDecline(turn, row)) for (const [number] of readRefused(row)) numbers.add(number);
      tables.filter.delete(String(row.seq));
    }
    const marks = [...numbers].sort((a, b) => a - b).map((number): Entry => [number, NO_RESOURCES]);
    const expiresAtMs = turn.nowMs + MIN_REFUSE_MS;
    const facts = { frameworkId, role, cause: "DECLINED", expiresAtMs, blocksAll: false } as const;
    putEntries(turn, marks, facts);
  }
}

/** Keeps everything of an agent away, or remembers that the next hasty answer has to. */
function isBrake(row: FilterRow): boolean {
  if (row.blocksAll || row.cause === "INVALID_ACCEPT") return true;
  return row.cause === "DECLINED" && readRefused(row).every(([, refused]) => isEmpty(refused));
}

/**
 * As for a scheduler that has nothing said yet: what an earlier instance refused, it may not even
 * know.
 */
export function forgetAllFilters(turn: Turn, frameworkId: FrameworkId): void {
  forgetFilters(turn, frameworkId);
  forgetInverseFilters(turn, frameworkId);
}

/** Whatever it said to inverse offers, it may be asked again from now on. */
export function forgetInverseFilters(turn: Turn, frameworkId: FrameworkId): void {
  for (const answer of turn.state.index.inverseAnswersOfFramework(frameworkId)) {
    if (answer.askAgainMs === undefined) continue;
    turn.state.tables.inverseAnswer.put({ ...answer, askAgainMs: undefined });
  }
}
