/**
 * Messages kept in rows as wire JSON. The agent wrote them itself, so one that does not decode is a
 * bug.
 */
import type { MessageName, Messages } from "../../worker/protocol/descriptors.ts";
import { decodeJson } from "../../worker/protocol/wire/json.ts";
import { assert } from "../../worker/std/assert.ts";

export function decodeStored<N extends MessageName>(name: N, text: string): Messages[N] {
  const decoded = decodeJson(name, text);
  assert(decoded.ok, `a stored ${name} decodes`);
  return decoded.value;
}
