/**
 * The refusals of one client, found by the number of an agent.
 *
 * Every amount of every row has a small number here, its place, so that most agents cost no more
 * than the byte or two in which the place of theirs is. Nothing here is truth: it is as the rows of
 * `filter` say.
 */
import type { Resources } from "../../resources/resource.ts";
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
  readonly #rows = new Map<
    number,
    { readonly row: FilterRow; readonly places: readonly number[] }
  >();
  /** For each agent the place of one refusal of it. */
  readonly #first = new NumberMap();
  /** The places of others: few agents are named by several rows. */
  readonly #others = new Map<number, number[]>();

  /** The youngest row; undefined: it has to be looked for. */
  #youngest: FilterRow | undefined;

  isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  /** In no order. */
  rows(): FilterRow[] {
    return [...this.#rows.values()].map(({ row }) => row);
  }

  youngestRow(): FilterRow | undefined {
    for (const { row } of this.#youngest === undefined ? this.#rows.values() : []) {
      if (row.seq > (this.#youngest?.seq ?? -1)) this.#youngest = row;
    }
    return this.#youngest;
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
    const places = this.#place(row, []);
    const placeOf = placesOf(row, numbers, places);
    numbers.forEach((number, at) => {
      this.#addPlace(number, placeOf(at));
    });
  }

  remove(row: FilterRow, numbers: readonly number[]): void {
    const { places } = defined(this.#rows.get(row.seq), "a row is removed once");
    const placeOf = placesOf(row, numbers, places);
    numbers.forEach((number, at) => {
      this.#removePlace(number, placeOf(at));
    });
    this.#rows.delete(row.seq);
    if (this.#youngest?.seq === row.seq) this.#youngest = undefined;
    this.#giveBack(places);
  }

  /** A row is put again. What it says of an agent as before costs next to nothing. */
  replace(before: Named, after: Named): void {
    const { places: old } = defined(this.#rows.get(before.row.seq), "a row is put again");
    const places = this.#place(
      after.row,
      before.row.refused.map((refused, at) => [refused, old[at] ?? 0]),
    );
    if (this.#youngest?.seq === after.row.seq) this.#youngest = after.row;
    const placeBefore = placesOf(before.row, before.numbers, old);
    const placeAfter = placesOf(after.row, after.numbers, places);
    const [last, end] = [before.numbers.length, after.numbers.length];
    for (let left = 0, right = 0; left < last || right < end; ) {
      const gone = before.numbers[left] ?? Number.POSITIVE_INFINITY;
      const come = after.numbers[right] ?? Number.POSITIVE_INFINITY;
      const isBoth = gone === come;
      if (!isBoth || placeBefore(left) !== placeAfter(right)) {
        if (gone <= come) this.#removePlace(gone, placeBefore(left));
        if (come <= gone) this.#addPlace(come, placeAfter(right));
      }
      if (gone <= come) left++;
      if (isBoth || come < gone) right++;
    }
    this.#giveBack(old.filter((place) => !places.includes(place)));
  }

  /** Gives every amount of the row a place: that which it has already, or a free one. */
  #place(row: FilterRow, known: readonly (readonly [Resources, number])[]): readonly number[] {
    const places = row.refused.map((refused) => {
      const place =
        known.find(([each]) => each === refused)?.[1] ??
        this.#freePlaces.pop() ??
        this.#refusals.length;
      this.#refusals[place] = { row, refused };
      return place;
    });
    this.#rows.set(row.seq, { row, places });
    if (row.seq > (this.#youngest?.seq ?? row.seq)) this.#youngest = row;
    return places;
  }

  #giveBack(places: readonly number[]): void {
    for (const place of places) this.#refusals[place] = undefined;
    this.#freePlaces.push(...places);
  }

  #addPlace(number: number, place: number): void {
    if (this.#first.get(number) === 0) this.#first.set(number, place);
    else this.#others.set(number, [...(this.#others.get(number) ?? []), place]);
  }

  #removePlace(number: number, place: number): void {
    const others = this.#others.get(number)?.filter((each) => each !== place) ?? [];
    if (this.#first.get(number) === place) this.#first.set(number, others.shift() ?? 0);
    if (others.length > 0) this.#others.set(number, others);
    else if (this.#others.size > 0) this.#others.delete(number);
  }

  #at(place: number): Refusal {
    const refusal = this.#refusals[place];
    assert(refusal !== undefined, "an agent's refusal is there");
    return refusal;
  }
}

/** A row, and the agents that it names, ascending. */
interface Named {
  readonly row: FilterRow;
  readonly numbers: readonly number[];
}

/** The place of the row's agent by its position among them. */
function placesOf(
  row: FilterRow,
  numbers: readonly number[],
  places: readonly number[],
): (at: number) => number {
  const which = readWhich(row, numbers.length);
  return (at) => places[which?.[at] ?? 0] ?? 0;
}
