/**
 * Kinds of scalar resources ("cpus", "mem", ...) by small numbers, so that amounts can lie in
 * arrays. A number stands for its kind as long as the engine lives.
 */
import { defined } from "../../../std/assert.ts";

export class Kinds {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  /** The kind's number; a new one if it has none yet. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#names.length;
    this.#names.push(name);
    this.#numbers.set(name, number);
    return number;
  }

  nameOf(kind: number): string {
    return defined(this.#names[kind], `kind ${kind} has a name`);
  }

  get size(): number {
    return this.#names.length;
  }
}
