/** JSON from a file, taken apart: each reader returns what it promises, or throws the mistake. */

export type Parsed = Readonly<Record<string, unknown>>;

const WIDE_MAX = 2n ** 64n - 1n;

/** Other keys than `keys` are a mistake. */
export function object(value: unknown, where: string, keys: readonly string[]): Parsed {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${where} is no object`);
  }
  const stray = Object.keys(value).find((key) => !keys.includes(key));
  if (stray !== undefined) {
    throw new Error(
      `${where} has '${stray}', which means nothing here; choose from ${keys.join(", ")}`,
    );
  }
  // An object that is no array: its values are looked at one by one.
  return value as Parsed;
}

/**
 * Numbers that a double cannot hold become texts, for `wideNumber`: arguments have 64 bits, and
 * JSON.parse would round them without a word.
 */
export function document(json: string): unknown {
  const kept = json.replaceAll(/"(?:[^"\\]|\\.)*"|\d{16,}/g, (piece) =>
    piece.startsWith('"') ? piece : `"${piece}"`,
  );
  try {
    return JSON.parse(kept);
  } catch {
    throw new Error(`it is no JSON: ${whyNoJson(json)}`);
  }
}

/** The place of the mistake in what the author wrote. */
function whyNoJson(json: string): string {
  try {
    JSON.parse(json);
    return "a number of 16 digits or more with a fraction or a sign";
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** Absent: empty. */
export function list(given: unknown, where: string): readonly unknown[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw new Error(`${where} is no list`);
  return given;
}

export function text(given: unknown, where: string): string {
  if (typeof given !== "string" || given === "") throw new Error(`${where} is no text`);
  return given;
}

/** Whole, 0 or above. */
export function number(given: unknown, where: string): number {
  if (typeof given !== "number" || !Number.isSafeInteger(given) || given < 0) {
    throw new Error(`${where} is no whole number of 0 or above`);
  }
  return given;
}

/** Of 64 bits without a sign. */
export function wideNumber(given: unknown, where: string): bigint {
  const isDigits = typeof given === "string" && /^\d{1,20}$/.test(given);
  const value = BigInt(isDigits ? given : number(given, where));
  if (value > WIDE_MAX) throw new Error(`${where} is above ${WIDE_MAX}`);
  return value;
}
