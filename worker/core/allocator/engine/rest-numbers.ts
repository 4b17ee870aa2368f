/**
 * Numbers for the ranges and sets that are free of an agent: as long as the number is the same,
 * they are. So the engine need not look into them, which are 16 ranges of ports now and then.
 */
import type { Resources } from "../../../resources/resource.ts";
import { NO_REST } from "./agent-columns.ts";

/** Contents remembered; forgetting them costs that some refusals are looked up once more. */
const REMEMBERED_MAX = 100_000;

export class RestNumbers {
  readonly #numbers = new Map<string, number>();
  #next = NO_REST + 1;

  /** `resources`: all that is free of an agent, scalars too. */
  numberOf(resources: Resources): number {
    const rest = resources.filter(({ kind }) => kind !== "SCALAR");
    if (rest.length === 0) return NO_REST;
    const text = JSON.stringify(rest);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    // A number is never given twice: what is remembered by it elsewhere is not mistaken for this.
    if (this.#numbers.size >= REMEMBERED_MAX) this.#numbers.clear();
    const number = this.#next++;
    this.#numbers.set(text, number);
    return number;
  }
}
