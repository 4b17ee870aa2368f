/**
 * What a row of `filter` says of each agent. Of most agents of one call the same is refused, so a
 * row has every amount once, and names agents by number; see `std/number-text.ts`.
 */
import type { Resources } from "../../resources/resource.ts";
import { defined } from "../../std/assert.ts";
import { readAscending, readDigits, writeAscending, writeDigits } from "../../std/number-text.ts";
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
  const which = writeDigits(
    entries.map(([, each]) => places.get(each) ?? 0),
    places.size,
  );
  return { agents, refused, which };
}

/** The inverse. */
export function readRefused(row: RefusedOfAgents): (readonly [number, Resources])[] {
  const numbers = readAscending(row.agents);
  const which = readWhich(row, numbers.length);
  return numbers.map((number, at) => {
    const refused = row.refused[which?.[at] ?? 0];
    return [number, defined(refused, "a row has what it says was refused")];
  });
}

/** In the order of `agents`: which of `refused` it is; absent: always the first. */
export function readWhich(row: RefusedOfAgents, count: number): readonly number[] | undefined {
  return row.which === undefined ? undefined : readDigits(row.which, row.refused.length, count);
}
