/**
 * Values that many rows have alike, kept once: what thousands of equal agents have, and what
 * hundreds of frameworks refuse of them.
 *
 * Only memory depends on it, and it stays small by itself: when it has seen too many different
 * values it forgets all of them, and begins again.
 */
import { equals } from "../resources/algebra.ts";
import type { Resource, Resources } from "../resources/resource.ts";
import { unreachable } from "../std/assert.ts";

/** Different values of a sort; a cluster of machines bought together has a few dozen. */
const VALUES_MAX = 2_000;

export class SharedValues {
  readonly #texts = new Map<string, string>();
  readonly #small = new Map<string, object>();
  readonly #entries = new Bucket<Resource>(hashOf, (a, b) => equals([a], [b]));
  readonly #resources = new Bucket<Resources>(hashOfAll, isSame);

  /** The same text, as it was first seen. */
  text<T extends string>(text: T): T {
    return firstOf(this.#texts, text, text);
  }

  /** The same small value, of which nobody knows whether it is the same object. */
  json<T extends object>(value: T): T {
    return firstOf(this.#small, JSON.stringify(value), value);
  }

  /** Equal resources, as they were first seen. */
  resources(resources: Resources): Resources {
    const entries = resources.map((entry) => this.#entries.first(entry));
    return this.#resources.first(entries);
  }
}

/** What is known by the key is what `value` would be: equal keys are equal values. */
function firstOf<T>(known: Map<string, unknown>, key: string, value: T): T {
  const first = known.get(key);
  if (first !== undefined) return first as T;
  if (known.size >= VALUES_MAX) known.clear();
  known.set(key, value);
  return value;
}

/** The first of equal values. */
class Bucket<V> {
  readonly #values = new Map<number, V[]>();
  #size = 0;
  readonly #hashOf: (value: V) => number;
  readonly #isEqual: (a: V, b: V) => boolean;

  constructor(hashOf: (value: V) => number, isEqual: (a: V, b: V) => boolean) {
    this.#hashOf = hashOf;
    this.#isEqual = isEqual;
  }

  first(value: V): V {
    const hash = this.#hashOf(value);
    const known = this.#values.get(hash);
    const first = known?.find((each) => each === value || this.#isEqual(each, value));
    if (first !== undefined) return first;
    if (this.#size >= VALUES_MAX) {
      this.#values.clear();
      this.#size = 0;
    }
    this.#size++;
    const others = this.#values.get(hash) ?? [];
    this.#values.set(hash, [...others, value]);
    return value;
  }
}

/** Their entries are shared ones already. */
function isSame(a: Resources, b: Resources): boolean {
  return a.length === b.length && a.every((entry, at) => entry === b[at]);
}

function hashOfAll(resources: Resources): number {
  return resources.reduce((hash, entry) => mixed(hash, hashOf(entry)), resources.length);
}

function hashOf(entry: Resource): number {
  const { name, reservations } = entry;
  const facts = mixed(name.length, name.charCodeAt(0) + reservations.length);
  switch (entry.kind) {
    case "SCALAR":
      return mixed(facts, entry.thousandths);
    case "RANGES":
      return entry.ranges.reduce((hash, [from, to]) => mixed(mixed(hash, from), to), facts);
    case "SET":
      return mixed(facts, entry.items.length);
    default:
      return unreachable(entry);
  }
}

function mixed(hash: number, value: number): number {
  return (Math.imul(hash, 31) + value) | 0;
}
