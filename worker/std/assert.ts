/** A promise of our own code that does not hold. Never thrown for bad input. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * States one fact that must hold. Stays on in production: a broken promise must not become a row.
 */
export function assert(condition: unknown, fact: string): asserts condition {
  if (!condition) throw new AssertionError(fact);
}

/** Ends a switch over a union: deleting a case above it breaks the build. */
export function unreachable(value: never): never {
  throw new AssertionError(`no case for ${JSON.stringify(value)}`);
}

/** The value, which our own code promises to be there. */
export function defined<T>(value: T | undefined, fact: string): T {
  assert(value !== undefined, fact);
  return value;
}
