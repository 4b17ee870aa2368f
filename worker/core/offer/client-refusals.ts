/**
 * The refusals of one client, found by the number of an agent.
 *
 * Every amount of every row has a small number here, its place, so that most agents cost no more
 * than the byte or two in which the place of theirs is. Nothing here is truth: it is as the rows of
 * `filter` say.
 */
import { assert, defined } from "../../std/assert.ts";
import { NumberMap } from "../../std/number-map.ts";
import type { FilterRow } from "../rows.ts";
import type { Refusal } from "./refusals.ts";
import { readWhich } from "./refused.ts";

export class ClientRefusals {
  /** By place; there is no place 0. */
  readonly #refusals: (Refusal | undefined)[] = [undefined];
  readonly #freePlaces: number[] = [];
  /** Rows by their number, each with the places of its amounts. */
  readonly #rows = new Map<number, { readonly row: FilterRow; readonly places: number[] }>();
  /** For each agent the place of one refusal of it. */
  readonly #first = new NumberMap();
  /** The places of others: few agents are named by several rows. */
  readonly #others = new Map<number, number[]>();

  isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** In no order. */
  rows(): FilterRow[] {
    return [...this.#rows.values()].map(({ row }) => row);
  }

  /** What is refused of the agent, in the order of creation. */
  of(number: number): Refusal[] {
    const refusals: Refusal[] = [];
    this.some(number, (refusal) => {
      refusals.push(refusal);
      return false;
    });
    return refusals.sort((a, b) => a.row.seq - b.row.seq);
  }

  /** Whether `is` holds of a refusal of the agent. */
  some(number: number, is: (refusal: Refusal) => boolean): boolean {
    const first = this.#first.get(number);
    if (first === 0) return false;
    if (is(this.#at(first))) return true;
    if (this.#others.size === 0) return false;
    return this.#others.get(number)?.some((place) => is(this.#at(place))) ?? false;
  }

  /** `numbers`: the agents that the row names. */
  add(row: FilterRow, numbers: readonly number[]): void {
    const places = row.refused.map((refused) => {
      const place = this.#freePlaces.pop() ?? this.#refusals.length;
      this.#refusals[place] = { row, refused };
      return place;
    });
    this.#rows.set(row.seq, { row, places });
    const which = readWhich(row, numbers.length);
    numbers.forEach((number, at) => {
      const place = places[which?.[at] ?? 0] ?? 0;
      if (this.#first.get(number) === 0) this.#first.set(number, place);
      else this.#others.set(number, [...(this.#others.get(number) ?? []), place]);
    });
  }

  remove({ seq }: FilterRow, numbers: readonly number[]): void {
    const { places } = defined(this.#rows.get(seq), "a row is removed once");
    this.#rows.delete(seq);
    const isGone = (place: number): boolean => places.includes(place);
    for (const number of numbers) {
      const others = this.#others.get(number)?.filter((place) => !isGone(place)) ?? [];
      if (isGone(this.#first.get(number))) this.#first.set(number, others.shift() ?? 0);
      if (others.length > 0) this.#others.set(number, others);
      else if (this.#others.size > 0) this.#others.delete(number);
    }
    for (const place of places) this.#refusals[place] = undefined;
    this.#freePlaces.push(...places);
  }

  #at(place: number): Refusal {
    const refusal = this.#refusals[place];
    assert(refusal !== undefined, "an agent's refusal is there");
    return refusal;
  }
}
