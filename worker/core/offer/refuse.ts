/**
 * One call refuses: it becomes one row for each role and kind, however many agents it is about.
 *
 * 1. Offers count one after the other, as if each had a call of its own. 2. A row has an agent
 * once, so that of two refusals of one agent in one call each has its own row. 3. What an older row
 * says of an agent goes when the new one says as much for at least as long.
 */
import type { FrameworkId } from "../../protocol/ids.ts";
import { contains, isEmpty, NO_RESOURCES } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { defined } from "../../std/assert.ts";
import { MIN_REFUSE_MS } from "../constants.ts";
import type { AgentRow, FilterRow, OfferRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import type { Turn } from "../turn.ts";
import { type Entry, type FilterFacts, putEntries, removeAgents } from "./refusal-rows.ts";
import type { Refusal } from "./refusals.ts";

/** What is refused of an offer that has ended. */
export interface RefusedOffer {
  readonly offer: OfferRow;
  /** Empty: nothing, so the refusal is none. */
  readonly refused: Resources;
}

/** What rows of one call have in common. */
type Terms = Omit<FilterFacts, "role" | "blocksAll">;

/** What the call says of one agent for one role. */
interface Said {
  readonly number: number;
  readonly role: string;
  /** Each is a refusal of its own. */
  refused: Resources[];
  isBlocked: boolean;
}

/**
 * Keeps what is refused of the offers from their framework and roles. A framework that declines
 * faster than once a second is offered nothing at all of the agent until a second has passed,
 * whatever is freed meanwhile: so declining everything costs it (and us) at most two calls a second
 * and agent.
 */
export function refuse(turn: Turn, offers: readonly RefusedOffer[], terms: Terms): void {
  const { state } = turn;
  const isRecent = ({ row }: Refusal): boolean => isRecentDecline(turn, row);
  const said = new Map<string, Said>();
  const obsolete = new Map<FilterRow, Set<number>>();
  for (const { offer, refused: given } of offers) {
    if (isEmpty(given)) continue;
    const refused = state.shared.resources(given);
    const ofAgent = sayOf(turn, said, offer);
    const { frameworkId, role, agentId } = offer;
    const older = state.refusals.of({ frameworkId, role, agentId, number: ofAgent.number });
    const isHasty = ofAgent.refused.length > 0 || older.some(isRecent);
    if (isHasty && terms.cause === "DECLINED") ofAgent.isBlocked = true;
    for (const { row, refused: before } of older) {
      const covered = row.expiresAtMs <= terms.expiresAtMs && contains(refused, before);
      if (!covered || row.blocksAll) continue;
      obsolete.set(row, (obsolete.get(row) ?? new Set()).add(ofAgent.number));
    }
    ofAgent.refused = ofAgent.refused.filter((before) => !contains(refused, before));
    ofAgent.refused.push(refused);
  }
  for (const [row, numbers] of obsolete) removeAgents(state, row, (number) => numbers.has(number));
  putRows(turn, [...said.values()], terms);
}

export function isRecentDecline({ nowMs }: Turn, { cause, createdMs }: FilterRow): boolean {
  return cause === "DECLINED" && nowMs - createdMs < MIN_REFUSE_MS;
}

/**
 * An ACCEPT that names a void offer loses the good ones without a refusal, as in Mesos. One that
 * does so twice within a second waits a second for the next offer of the agent: without Mesos' tick
 * nothing else would stop it.
 */
export function brakeInvalidAccept(turn: Turn, offers: readonly OfferRow[]): void {
  const { state, nowMs } = turn;
  const said = new Map<string, Said>();
  let frameworkId: FrameworkId | undefined;
  for (const offer of offers) {
    const ofAgent = sayOf(turn, said, offer);
    const isBraked = ({ row }: Refusal): boolean =>
      row.cause === "INVALID_ACCEPT" && row.expiresAtMs > nowMs;
    if (ofAgent.refused.length > 0 || state.refusals.of(offer).some(isBraked)) {
      ofAgent.isBlocked = true;
    }
    ofAgent.refused = [NO_RESOURCES];
    frameworkId = offer.frameworkId;
  }
  if (frameworkId === undefined) return;
  const expiresAtMs = nowMs + MIN_REFUSE_MS;
  putRows(turn, [...said.values()], { frameworkId, cause: "INVALID_ACCEPT", expiresAtMs });
}

/**
 * Before the agent goes, or gets another number: rows that name nobody else go as well. The others
 * keep a number that nobody has.
 */
export function forgetRefusalsOf({ refusals, tables }: MasterState, agent: AgentRow): void {
  for (const row of refusals.rowsNaming(agent.id)) {
    const others = refusals.agentsOf(row);
    if (!some(others, (id) => id !== agent.id)) tables.filter.delete(String(row.seq));
  }
}

function some<T>(values: Iterable<T>, is: (value: T) => boolean): boolean {
  for (const value of values) if (is(value)) return true;
  return false;
}

function sayOf(turn: Turn, said: Map<string, Said>, { agentId, role }: OfferRow): Said {
  const agent = turn.state.tables.agent.get(agentId);
  const { number } = defined(agent, "an offer ends before its agent");
  const key = `${number}/${role}`;
  const known = said.get(key);
  if (known !== undefined) return known;
  const first: Said = { number, role, refused: [], isBlocked: false };
  said.set(key, first);
  return first;
}

function putRows(turn: Turn, all: readonly Said[], terms: Terms): void {
  for (const role of new Set(all.map((each) => each.role))) {
    const said = all.filter((each) => each.role === role).sort((a, b) => a.number - b.number);
    const blocked = said.filter(({ isBlocked }) => isBlocked);
    const blocks = blocked.map(({ number }): Entry => [number, NO_RESOURCES]);
    const expiresAtMs = turn.nowMs + MIN_REFUSE_MS;
    putEntries(turn, blocks, { ...terms, expiresAtMs, role, blocksAll: true });
    const most = Math.max(...said.map(({ refused }) => refused.length));
    for (let at = 0; at < most; at++) {
      const entries = said.flatMap(({ number, refused }): Entry[] => {
        const each = refused[at];
        return each === undefined ? [] : [[number, each]];
      });
      putEntries(turn, entries, { ...terms, role, blocksAll: false });
    }
  }
}
