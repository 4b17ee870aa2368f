/**
 * Lists of small whole numbers as short texts: one character for a number below 72, two below
 * 1,440.
 *
 * All characters are printable ASCII that JSON writes as they are, so each costs a byte in memory
 * and on disk. A varint of mixed radix: the last character of a number is one of 72, those before
 * it are one of 19 and carry its lower part.
 */
import { assert } from "./assert.ts";

const LAST = 72;
const CARRY = 19;
const FIRST_CODE = 35; // '#'; '"' comes before it
const BACKSLASH = 92;
/** Before a run of numbers that follow one another: where it begins, and how long it is. */
const RUN = 33; // '!'
/** A shorter run is no shorter in text. */
const RUN_MIN = 3;

/** Numbers below `base` in any order, as many in a character as fit. `base`: 2 or more. */
export function writeDigits(digits: readonly number[], base: number): string {
  const text = new Text();
  const together = digitsTogether(base);
  for (let at = 0; at < digits.length; at += together) {
    let packed = 0;
    for (let place = Math.min(at + together, digits.length) - 1; place >= at; place--) {
      const digit = digits[place] as number;
      assert(digit < base, "a digit is below the base");
      packed = packed * base + digit;
    }
    text.number(packed);
  }
  return text.done();
}

/** The inverse; `count`: how many there are. */
export function readDigits(text: string, base: number, count: number): number[] {
  const digits: number[] = [];
  const together = digitsTogether(base);
  const reader = { text, at: 0 };
  while (digits.length < count) {
    let packed = readNumber(reader);
    for (let n = 0; n < together && digits.length < count; n++) {
      digits.push(packed % base);
      packed = Math.floor(packed / base);
    }
  }
  return digits;
}

/** As many as have a text of one character together. */
function digitsTogether(base: number): number {
  assert(base >= 2, "digits differ");
  let together = 1;
  while (base ** (together + 1) <= LAST) together++;
  return together;
}

/** Ascending numbers, each once: gaps, and runs as a whole. */
export function writeAscending(numbers: readonly number[]): string {
  const text = new Text();
  let next = 0;
  for (let at = 0; at < numbers.length; ) {
    const first = numbers[at] as number;
    assert(first >= next, "the numbers ascend");
    let length = 1;
    while (numbers[at + length] === first + length) length++;
    if (length < RUN_MIN) length = 1;
    else text.mark(RUN);
    text.number(first - next);
    if (length > 1) text.number(length - RUN_MIN);
    next = first + length;
    at += length;
  }
  return text.done();
}

export function readAscending(text: string): number[] {
  const numbers: number[] = [];
  const reader = { text, at: 0 };
  let next = 0;
  while (reader.at < text.length) {
    const isRun = text.charCodeAt(reader.at) === RUN;
    if (isRun) reader.at++;
    const first = next + readNumber(reader);
    const length = isRun ? readNumber(reader) + RUN_MIN : 1;
    for (let number = first; number < first + length; number++) numbers.push(number);
    next = first + length;
  }
  return numbers;
}

function readNumber(reader: { readonly text: string; at: number }): number {
  let number = 0;
  let factor = 1;
  for (;;) {
    assert(reader.at < reader.text.length, "a number ends with its text");
    const code = reader.text.charCodeAt(reader.at++);
    const digit = code - FIRST_CODE - (code > BACKSLASH ? 1 : 0);
    number += digit * factor;
    if (digit < LAST) return number;
    factor *= CARRY;
  }
}

/** Codes are gathered and made one flat string of: pieces put together would stay pieces. */
class Text {
  readonly #codes: number[] = [];

  mark(code: number): void {
    this.#codes.push(code);
  }

  number(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, "only whole numbers from 0 on have a text");
    let rest = value;
    while (rest >= LAST) {
      rest -= LAST;
      this.#digit(LAST + (rest % CARRY));
      rest = Math.floor(rest / CARRY);
    }
    this.#digit(rest);
  }

  done(): string {
    const parts: string[] = [];
    for (let at = 0; at < this.#codes.length; at += 4_096) {
      parts.push(String.fromCharCode(...this.#codes.slice(at, at + 4_096)));
    }
    return parts.join("");
  }

  #digit(digit: number): void {
    const code = FIRST_CODE + digit;
    this.#codes.push(code >= BACKSLASH ? code + 1 : code);
  }
}
