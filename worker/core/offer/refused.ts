/**
 * What a row of `filter` says of each agent. Of most agents of one call the same is refused, so a
 * row has every amount once, and names agents by number; see `std/number-text.ts`.
 */
import type { Resources } from "../../resources/resource.ts";
import { defined } from "../../std/assert.ts";
import {
  numberAt,
  placeInAscending,
  readAscending,
  readNumbers,
  writeAscending,
  writeNumbers,
} from "../../std/number-text.ts";
import type { FilterRow } from "../rows.ts";

/** The part of a row that tells agents and amounts. */
export type RefusedOfAgents = Pick<FilterRow, "agents" | "refused" | "which">;

/** At least one, ascending by number, each agent once; equal amounts are the same object. */
export function writeRefused(
  entries: readonly (readonly [number: number, refused: Resources])[],
): RefusedOfAgents {
  const places = new Map<Resources, number>();
  for (const [, refused] of entries) {
    if (!places.has(refused)) places.set(refused, places.size);
  }
  const agents = writeAscending(entries.map(([number]) => number));
  const refused = [...places.keys()];
  if (places.size === 1) return { agents, refused };
  const which = writeNumbers(entries.map(([, each]) => places.get(each) ?? 0));
  return { agents, refused, which };
}

/** The inverse. */
export function readRefused(row: RefusedOfAgents): (readonly [number, Resources])[] {
  const which = row.which === undefined ? undefined : readNumbers(row.which);
  return readAscending(row.agents).map((number, at) => [number, refusedAt(row, which?.[at] ?? 0)]);
}

/** What was refused of one of the agents that the row names. */
export function refusedOf(row: RefusedOfAgents, number: number): Resources {
  if (row.which === undefined) return refusedAt(row, 0);
  return refusedAt(row, numberAt(row.which, placeInAscending(row.agents, number)));
}

function refusedAt({ refused }: RefusedOfAgents, at: number): Resources {
  return defined(refused[at], "a row has what it says was refused");
}
