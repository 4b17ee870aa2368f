/**
 * JSON text to JSON values, bounded and without loss.
 *
 * The platform's parser is fast but turns every number into a double and says little about
 * mistakes. So one pass over the text checks the bounds and looks for numbers that a double might
 * not keep; only a text that has one, or that the platform's parser refuses, goes through the
 * parser in this file. The values are those of `JSON.parse` with two additions: an integer beyond
 * 2^53 is a `bigint`, and the bare `Infinity` and
 * `-Infinity` that Mesos writes are read back.
 *
 * Invariants:
 * 1. A number in the result is exactly the double nearest to its text and finite (but for bare
 * Infinity); a bigint in the result is exactly the integer written.
 * 2. No key reaches a prototype: `__proto__` becomes an ordinary own property.
 */
import { err, ok, type Result } from "../../std/result.ts";
import type { JsonLimits } from "../limits.ts";
import type { DecodeError } from "./decode-error.ts";

/** Digits of an integer that a double surely keeps: 2^53 has 16. */
const SAFE_DIGITS = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** With 0x20 set, so that one comparison finds both cases. */
const LETTER_E = 0x65;
const LETTER_I = 0x69;

/** Parses one JSON text. Never throws, whatever the text. */
export function parseJson(text: string, limits: JsonLimits): Result<unknown, DecodeError> {
  if (text.length > limits.length) {
    return err({ code: "JSON_TOO_LONG", length: text.length, limit: limits.length });
  }
  const scanned = scan(text, limits);
  if (!scanned.ok) return scanned;
  if (scanned.value === "PLAIN") {
    try {
      return ok(JSON.parse(text));
    } catch {
      // The parser below finds the same mistake and can say what and where it is.
    }
  }
  return new ExactParser(text).parse();
}

/**
 * Checks depth and count; "EXACT" when the text holds a number that `JSON.parse` might not keep.
 */
function scan(text: string, limits: JsonLimits): Result<"PLAIN" | "EXACT", DecodeError> {
  let depth = 0;
  let values = 0;
  let digits = 0;
  let inFraction = false;
  let exact = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      if (!inFraction && ++digits > SAFE_DIGITS) exact = true;
      continue;
    }
    if (code === DOT) {
      inFraction = true;
      continue;
    }
    // An exponent can make a number too large for a double, and "Infinity" begins with an I.
    if ((code | 0x20) === LETTER_E && (digits > 0 || inFraction)) exact = true;
    if ((code | 0x20) === LETTER_I) exact = true;
    digits = 0;
    inFraction = false;
    if (code === QUOTE) {
      at = endOfString(text, at + 1);
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (++depth > limits.depth) {
        return err({ code: "JSON_TOO_DEEP", offset: at, limit: limits.depth });
      }
      values++;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      depth--;
    } else if (code === COMMA) {
      values++;
    }
    if (values > limits.values) {
      return err({ code: "JSON_TOO_MANY_VALUES", offset: at, limit: limits.values });
    }
  }
  return ok(exact ? "EXACT" : "PLAIN");
}

/**
 * Index of the quote that ends the string whose content begins at `from`; the text's length without
 * one.
 */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote;
  }
  return text.length;
}

const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const WORDS: readonly (readonly [word: string, value: unknown])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];

/** Recursive descent over one text, whose depth has been checked. The first mistake stops it. */
class ExactParser {
  readonly #text: string;
  #at = 0;
  #error: DecodeError | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Result<unknown, DecodeError> {
    const value = this.#value();
    this.#skipBlanks();
    if (this.#error === undefined && this.#at < this.#text.length) {
      this.#refuse("the end, because the value is complete");
    }
    return this.#error === undefined ? ok(value) : err(this.#error);
  }

  #value(): unknown {
    this.#skipBlanks();
    const code = this.#text.charCodeAt(this.#at);
    if (code === OPEN_OBJECT) return this.#object();
    if (code === OPEN_LIST) return this.#list();
    if (code === QUOTE) return this.#string();
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    if (code === MINUS || (code >= ZERO && code <= NINE)) return this.#number();
    return this.#refuse("a value");
  }

  #object(): unknown {
    const object: Record<string, unknown> = {};
    this.#at++;
    if (this.#take("}")) return object;
    do {
      this.#skipBlanks();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) return this.#refuse("a key in double quotes");
      const key = this.#string();
      if (!this.#take(":")) return this.#refuse("a colon");
      const value = this.#value();
      if (this.#error !== undefined) return undefined;
      setOwn(object, String(key), value);
    } while (this.#take(","));
    return this.#take("}") ? object : this.#refuse("a comma or the end of the object");
  }

  #list(): unknown {
    const list: unknown[] = [];
    this.#at++;
    if (this.#take("]")) return list;
    do {
      list.push(this.#value());
      if (this.#error !== undefined) return undefined;
    } while (this.#take(","));
    return this.#take("]") ? list : this.#refuse("a comma or the end of the list");
  }

  /** The platform's parser knows the escapes; it gets nothing but this one string. */
  #string(): unknown {
    const end = endOfString(this.#text, this.#at + 1);
    try {
      const value: unknown = JSON.parse(this.#text.slice(this.#at, end + 1));
      this.#at = end + 1;
      return value;
    } catch {
      return this.#refuse("a string without control characters, bad escapes or a missing end");
    }
  }

  #number(): unknown {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) return this.#refuse("a digit");
    const [literal, fraction, exponent] = match;
    const value = Number(literal);
    // Also keeps `BigInt` from texts of a million digits.
    if (!Number.isFinite(value)) return this.#refuse("a number that a double can hold");
    this.#at += literal.length;
    const isExact = fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value);
    return isExact ? value : BigInt(literal);
  }

  #take(character: string): boolean {
    if (this.#error !== undefined) return false;
    this.#skipBlanks();
    if (!this.#text.startsWith(character, this.#at)) return false;
    this.#at++;
    return true;
  }

  #skipBlanks(): void {
    BLANKS.lastIndex = this.#at;
    BLANKS.exec(this.#text);
    this.#at = BLANKS.lastIndex;
  }

  /** Keeps the first mistake: the later ones follow from it. */
  #refuse(expected: string): undefined {
    this.#error ??= { code: "JSON_MALFORMED", offset: this.#at, expected };
    return undefined;
  }
}

/**
 * Sets an own property, also for the key `__proto__`, which an assignment would take as the
 * prototype.
 */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    object[key] = value;
  }
}
