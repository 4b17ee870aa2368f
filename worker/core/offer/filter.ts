/** Refusals: what a framework declined, or left unused, is kept from it for a while. */

import type { FrameworkId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { contains, isEmpty } from "../../resources/algebra.ts";
import { DEFAULT_REFUSE_MS, MAX_REFUSE_MS, MIN_REFUSE_MS } from "../constants.ts";
import type { FilterRow, OfferRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import type { Refusal } from "./refusals.ts";

/** How long a refusal lasts by `Filters.refuse_seconds` (http-semantics 4.3), ms. At least one second. */
export function refuseMs(filters: mesos.Filters | undefined): number {
  const seconds = filters?.refuse_seconds;
  if (seconds === undefined || Number.isNaN(seconds) || seconds < 0) return DEFAULT_REFUSE_MS;
  return Math.min(MAX_REFUSE_MS, Math.max(MIN_REFUSE_MS, seconds * 1_000));
}

/**
 * Keeps `refused` of the offer's agent from its framework and role. A framework that declines
 * faster than once a second is offered nothing at all of the agent until a second has passed,
 * whatever is freed meanwhile: so declining everything costs it (and us) at most two calls a second
 * and agent.
 */
export function addFilter(
  turn: Turn,
  offer: OfferRow,
  refusal: Pick<FilterRow, "refused" | "cause"> & { readonly durationMs: number },
): void {
  const { refused, cause } = refusal;
  if (isEmpty(refused)) return;
  const { state, nowMs } = turn;
  const { frameworkId, role, agentId } = offer;
  const expiresAtMs = nowMs + refusal.durationMs;
  const older = state.refusals.of({ frameworkId, role, agentId });
  const isRecent = ({ row }: Refusal): boolean =>
    row.cause === "DECLINED" && nowMs - row.createdMs < MIN_REFUSE_MS;
  const hasty = cause === "DECLINED" && older.some(isRecent);
  for (const { row, refused: before } of older) {
    const covered = row.expiresAtMs <= expiresAtMs && contains(refused, before);
    if (covered && !row.blocksAll) state.tables.filter.delete(String(row.seq));
  }
  if (hasty) {
    const blockedUntilMs = nowMs + MIN_REFUSE_MS;
    addRow(turn, offer, { refused: [], cause, expiresAtMs: blockedUntilMs, blocksAll: true });
  }
  addRow(turn, offer, { refused, cause, expiresAtMs, blocksAll: false });
}

/**
 * An ACCEPT that names a void offer loses the good ones without a refusal, as in Mesos. One that
 * does so twice within a second waits a second for the next offer of the agent: without Mesos' tick
 * nothing else would stop it.
 */
export function brakeInvalidAccept(turn: Turn, offer: OfferRow): void {
  const { state, nowMs } = turn;
  const expiresAtMs = nowMs + MIN_REFUSE_MS;
  const cause = "INVALID_ACCEPT";
  const hasty = state.refusals
    .of(offer)
    .some(({ row }) => row.cause === cause && row.expiresAtMs > nowMs);
  addRow(turn, offer, { refused: [], cause, expiresAtMs, blocksAll: hasty });
}

function addRow(
  turn: Turn,
  { frameworkId, role, agentId }: OfferRow,
  facts: Pick<FilterRow, "refused" | "cause" | "expiresAtMs" | "blocksAll">,
): void {
  turn.state.tables.filter.put({
    seq: newSeq(turn.state),
    frameworkId,
    role,
    agentId,
    createdMs: turn.nowMs,
    ...facts,
  });
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
