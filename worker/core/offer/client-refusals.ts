/**
 * The refusals of one client, found by the number of an agent.
 *
 * Rows have small numbers of their own here, so that what most agents cost is the one or two bytes
 * of the first row that names them. Nothing here is truth: it is as the rows of `filter` say.
 */
import { assert } from "../../std/assert.ts";
import { NumberMap } from "../../std/number-map.ts";
import type { FilterRow } from "../rows.ts";

export class ClientRefusals {
  /** Rows by their number here; there is no row 0. */
  readonly #rows: (FilterRow | undefined)[] = [undefined];
  readonly #places = new Map<number, number>();
  readonly #freePlaces: number[] = [];
  /** For each agent one of the rows that name it. */
  readonly #first = new NumberMap();
  /** The others: few agents are named twice. */
  readonly #others = new Map<number, number[]>();

  isEmpty(): boolean {
    return this.#places.size === 0;
  }

  rows(): FilterRow[] {
    return this.#rows.filter((row) => row !== undefined);
  }

  /** Rows that name the agent, in the order of creation. */
  naming(number: number): FilterRow[] {
    const rows: FilterRow[] = [];
    this.some(number, (row) => {
      rows.push(row);
      return false;
    });
    return rows.sort((a, b) => a.seq - b.seq);
  }

  /** Whether `is` holds of a row that names the agent. */
  some(number: number, is: (row: FilterRow) => boolean): boolean {
    const first = this.#first.get(number);
    if (first === 0) return false;
    if (is(this.#rowAt(first))) return true;
    if (this.#others.size === 0) return false;
    return this.#others.get(number)?.some((place) => is(this.#rowAt(place))) ?? false;
  }

  /** `numbers`: the agents that the row names. */
  add(row: FilterRow, numbers: readonly number[]): void {
    const place = this.#freePlaces.pop() ?? this.#rows.length;
    this.#rows[place] = row;
    this.#places.set(row.seq, place);
    for (const number of numbers) {
      if (this.#first.get(number) === 0) this.#first.set(number, place);
      else this.#others.set(number, [...(this.#others.get(number) ?? []), place]);
    }
  }

  remove({ seq }: FilterRow, numbers: readonly number[]): void {
    const place = this.#places.get(seq);
    assert(place !== undefined, "a row is removed once");
    this.#places.delete(seq);
    this.#rows[place] = undefined;
    this.#freePlaces.push(place);
    for (const number of numbers) {
      const others = this.#others.get(number)?.filter((each) => each !== place) ?? [];
      if (this.#first.get(number) === place) this.#first.set(number, others.shift() ?? 0);
      if (others.length > 0) this.#others.set(number, others);
      else if (this.#others.size > 0) this.#others.delete(number);
    }
  }

  #rowAt(place: number): FilterRow {
    const row = this.#rows[place];
    assert(row !== undefined, "an agent's row is there");
    return row;
  }
}
