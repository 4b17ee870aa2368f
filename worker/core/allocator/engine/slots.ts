/**
 * Small numbers for things that come and go, so that what is known of them can lie in arrays. A
 * number that was given back is given again: whoever gives it back has cleared what lies there.
 */
export class Slots {
  readonly #free: number[] = [];
  #end = 0;

  take(): number {
    return this.#free.pop() ?? this.#end++;
  }

  giveBack(slot: number): void {
    this.#free.push(slot);
  }

  /** All slots in use are below this. */
  get end(): number {
    return this.#end;
  }
}

/** The length to which an array grows that has to have `wanted` places at least. */
export function grownLength(length: number, wanted: number): number {
  let grown = Math.max(length, 16);
  while (grown < wanted) grown *= 2;
  return grown;
}

type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array;

/** The same numbers in an array of `length`, zeros behind them. */
export function grown<A extends Numbers>(numbers: A, length: number): A {
  // The constructor of a typed array makes one of the same type.
  const longer = new (numbers.constructor as new (length: number) => A)(length);
  longer.set(numbers);
  return longer;
}
