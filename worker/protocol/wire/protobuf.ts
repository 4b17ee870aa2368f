/**
 * Messages as binary protobuf (proto2), the second encoding of the v1 HTTP API.
 *
 * `name` is a message's full name, e.g. "mesos.v1.TaskInfo". What is read has the same form as from
 * JSON, and everything that is read can be written in both. Explicit defaults of unset fields are
 * not written, so `decodeProtobuf(name, encodeProtobuf(name, message))` gives the message.
 *
 * `protobuf-decode.ts` and `protobuf-encode.ts` are all that is specific to this encoding. Does not
 * know which message to expect where, or HTTP.
 */
import { err, ok, type Result } from "../../std/result.ts";
import type { MessageName, Messages } from "../descriptors.ts";
import { type ProtobufLimits, REQUEST_PROTOBUF } from "../limits.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { DecodeError } from "./decode-error.ts";
import { pathText } from "./decode-path.ts";
import { contentReader } from "./protobuf-decode.ts";
import { messageWriter } from "./protobuf-encode.ts";
import { missingRequired } from "./required.ts";

/** Decodes what a client sent, within the limits of a request. Never throws, whatever the bytes. */
export function decodeProtobuf<N extends MessageName>(
  name: N,
  bytes: Uint8Array,
): Result<Messages[N], DecodeError> {
  return decodeProtobufWithin(name, bytes, REQUEST_PROTOBUF);
}

/** `decodeProtobuf` with other limits: a client reads a whole cluster's state. */
export function decodeProtobufWithin<N extends MessageName>(
  name: N,
  bytes: Uint8Array,
  limits: ProtobufLimits,
): Result<Messages[N], DecodeError> {
  const { length } = bytes;
  if (length > limits.length)
    return err({ code: "PROTOBUF_TOO_LONG", length, limit: limits.length });
  const input = new ByteReader(bytes, limits);
  const message: Record<string, unknown> = {};
  contentReader(name)(message, input);
  if (input.error !== undefined) {
    return err({ ...input.error, path: pathText(input.path.toReversed()) });
  }
  const missing = input.incomplete > 0 ? missingRequired(name, message) : undefined;
  if (missing !== undefined) return err(missing);
  // The types and the descriptors are generated from one table, so what the reader of `name` makes
  // is one.
  return ok(message as unknown as Messages[N]);
}

/** Asserts that required fields are set and values fit their fields. */
export function encodeProtobuf<N extends MessageName>(name: N, message: Messages[N]): Uint8Array {
  const out = new ByteWriter();
  messageWriter(name)(message, out);
  return out.copy(out.length);
}
