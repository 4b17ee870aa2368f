/**
 * Messages as Mesos' JSON: the mapping that proto2 messages have in the v1 HTTP API, which is not
 * the one that protobuf defines for JSON (snake_case names, 64-bit integers as numbers, enums by
 * name only).
 *
 * `name` is a message's full name, e.g. "mesos.v1.TaskInfo". Reading ignores unknown keys, takes
 * `null` for unset, numbers in strings, and a lone value for a list; it refuses whatever it would
 * have to guess. Writing sets explicit defaults of unset fields and leaves out the rest of what is
 * unset. So `decodeJson(name, encodeJson(name, message))` gives the message with its explicit
 * defaults filled in.
 *
 * Text only: bytes of UTF-8 become text, and text bytes, at the platform's door (`TextDecoder` with
 * `fatal: true`, `TextEncoder`), where both are fast. Does not know which message to expect where,
 * or HTTP.
 *
 * The other encoding is `protobuf.ts`, over the same `descriptor.ts`.
 */
import { err, ok, type Result } from "../../std/result.ts";
import type { MessageName, Messages } from "../descriptors.ts";
import { type JsonLimits, REQUEST_JSON } from "../limits.ts";
import type { DecodeError } from "./decode-error.ts";
import { MissingFields } from "./decode-path.ts";
import { type DecodeState, messageReader } from "./json-decode.ts";
import { messageWriter } from "./json-encode.ts";
import { parseJson } from "./json-text.ts";

export { type DecodeError, describeDecodeError } from "./decode-error.ts";

/** Decodes what a client sent, within the limits of a request. Never throws, whatever the text. */
export function decodeJson<N extends MessageName>(
  name: N,
  text: string,
): Result<Messages[N], DecodeError> {
  return decodeJsonWithin(name, text, REQUEST_JSON);
}

/** `decodeJson` with other limits: a client reads a whole cluster's state with `ANSWER_JSON`. */
export function decodeJsonWithin<N extends MessageName>(
  name: N,
  text: string,
  limits: JsonLimits,
): Result<Messages[N], DecodeError> {
  const parsed = parseJson(text, limits);
  return parsed.ok ? decodeJsonValue(name, parsed.value) : parsed;
}

/**
 * Decodes a value as `JSON.parse` makes it; 64-bit integers may also be bigints. Not bounded: for
 * values that came from our own code or within a text that was checked.
 */
export function decodeJsonValue<N extends MessageName>(
  name: N,
  value: unknown,
): Result<Messages[N], DecodeError> {
  const state: DecodeState = { path: [], missing: new MissingFields(), error: undefined };
  const message = messageReader(name)(value, state);
  const error = state.error ?? state.missing.error();
  if (error !== undefined) return err(error);
  // The types and the descriptors are generated from one table, so what the reader of `name` makes
  // is one.
  return ok(message as Messages[N]);
}

/**
 * Compact text without line breaks. Asserts that required fields are set and values fit their
 * fields.
 */
export function encodeJson<N extends MessageName>(name: N, message: Messages[N]): string {
  return messageWriter(name)(message);
}
