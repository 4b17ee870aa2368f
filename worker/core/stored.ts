import type { MessageName, Messages } from "../protocol/descriptors.ts";
import { ANSWER_JSON } from "../protocol/limits.ts";
import { decodeJsonWithin } from "../protocol/wire/json.ts";
import { assert } from "../std/assert.ts";

/**
 * Reads back a message that `encodeJson` wrote into a row. Not within a request's limits: with its
 * defaults filled in it may be longer than what the client had sent.
 */
export function decodeStored<N extends MessageName>(name: N, text: string): Messages[N] {
  const decoded = decodeJsonWithin(name, text, ANSWER_JSON);
  assert(decoded.ok, `a stored ${name} decodes`);
  return decoded.value;
}
