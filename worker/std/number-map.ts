/**
 * Small whole numbers by small whole numbers, in as few bytes as either of two forms takes: a hash
 * map while few keys have a value, one element for every key up to the largest when many have.
 *
 * 0 stands for no value. Never more than about 2 bytes per possible key and value below 65,536.
 */
type Elements = Uint8Array | Uint16Array | Uint32Array;

/** What an entry of a hash map takes, roughly. */
const HASHED_BYTES = 32;
/** Fewer are not worth a change of form. */
const HASHED_MIN = 64;

export class NumberMap {
  #hashed: Map<number, number> | undefined = new Map();
  #elements: Elements = new Uint8Array(0);
  #size = 0;
  /** The largest key that had a value since there was none. */
  #largest = 0;

  /** How many keys have a value. */
  get size(): number {
    return this.#size;
  }

  get(key: number): number {
    return (this.#hashed === undefined ? this.#elements[key] : this.#hashed.get(key)) ?? 0;
  }

  set(key: number, value: number): void {
    const before = this.get(key);
    if (before === value) return;
    this.#size += Number(value !== 0) - Number(before !== 0);
    if (this.#hashed === undefined) this.#setElement(key, value);
    else if (value === 0) this.#hashed.delete(key);
    else this.#hashed.set(key, value);
    this.#largest = this.#size === 0 ? 0 : Math.max(this.#largest, key);
    this.#changeForm();
  }

  #setElement(key: number, value: number): void {
    const widest = widthOf(value);
    const { length, BYTES_PER_ELEMENT: width } = this.#elements;
    if (key >= length || widest > width) {
      const grown = key >= length ? Math.max(key + 1, Math.ceil(length * 1.25)) : length;
      const elements = newElements(Math.max(widest, width), grown);
      elements.set(this.#elements);
      this.#elements = elements;
    }
    this.#elements[key] = value;
  }

  /** Each form is kept until it takes several times as much as the other. */
  #changeForm(): void {
    if (this.#hashed !== undefined) {
      if (this.#size < HASHED_MIN || this.#size * HASHED_BYTES < 2 * this.#largest) return;
      const entries = this.#hashed;
      this.#hashed = undefined;
      this.#elements = newElements(1, this.#largest + 1);
      for (const [each, value] of entries) this.#setElement(each, value);
      return;
    }
    const { byteLength } = this.#elements;
    if (this.#size > HASHED_MIN / 2 && this.#size * HASHED_BYTES * 4 > byteLength) return;
    const hashed = new Map<number, number>();
    this.#elements.forEach((value, each) => {
      if (value !== 0) hashed.set(each, value);
    });
    this.#hashed = hashed;
    this.#elements = new Uint8Array(0);
  }
}

function widthOf(value: number): number {
  return value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : 4;
}

function newElements(width: number, length: number): Elements {
  if (width === 1) return new Uint8Array(length);
  return width === 2 ? new Uint16Array(length) : new Uint32Array(length);
}
