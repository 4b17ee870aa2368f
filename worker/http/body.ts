/**
 * Request bodies: bytes within a bound, as UTF-8 text, as a message. Bounds are checked before the
 * memory is spent.
 */
import type { MessageName, Messages } from "../protocol/descriptors.ts";
import { REQUEST_BYTES, REQUEST_JSON } from "../protocol/limits.ts";
import type { MessageEncoding } from "../protocol/wire/encoding.ts";
import { type DecodeError, decodeJson, decodeJsonValue } from "../protocol/wire/json.ts";
import { parseJson } from "../protocol/wire/json-text.ts";
import { decodeProtobuf } from "../protocol/wire/protobuf.ts";
import { unreachable } from "../std/assert.ts";
import { err, ok, type Result } from "../std/result.ts";

export type BodyError =
  /** `limit`: bytes. */
  | { readonly code: "BODY_TOO_LARGE"; readonly limit: number }
  /** It ended before its end. */
  | { readonly code: "BODY_BROKEN"; readonly cause: string }
  | { readonly code: "BODY_NOT_UTF8" }
  | { readonly code: "BODY_NOT_DECODED"; readonly error: DecodeError };

export interface DecodedBody<N extends MessageName> {
  readonly message: Messages[N];
  /** Length of the body as it came. */
  readonly bytes: number;
  /** Characters that the message has at most as our JSON, with its defaults filled in. */
  readonly jsonLengthMost: number;
}

/**
 * How many characters of our JSON one byte of a body can become: a lone `{"value":""}` gets its
 * defaults, two bytes of protobuf are the name of an enum's value or one escaped control character.
 */
const JSON_GROWTH: { readonly [E in MessageEncoding]: number } = {
  "application/json": 8,
  "application/x-protobuf": 32,
};

/** Reads a body as the message `name`. */
export async function readMessage<N extends MessageName>(
  request: Request,
  name: N,
  encoding: MessageEncoding,
  limit = REQUEST_BYTES,
): Promise<Result<DecodedBody<N>, BodyError>> {
  const body = await readBytes(request, limit);
  if (!body.ok) return body;
  const message = decodeMessage(name, encoding, body.value);
  if (!message.ok) return message;
  const bytes = body.value.byteLength;
  return ok({ message: message.value, bytes, jsonLengthMost: bytes * JSON_GROWTH[encoding] });
}

function decodeMessage<N extends MessageName>(
  name: N,
  encoding: MessageEncoding,
  body: Uint8Array,
): Result<Messages[N], BodyError> {
  switch (encoding) {
    case "application/json": {
      const text = decodeUtf8(body);
      if (text === undefined) return err({ code: "BODY_NOT_UTF8" });
      return decoded(decodeJson(name, text));
    }
    case "application/x-protobuf":
      return decoded(decodeProtobuf(name, body));
    default:
      return unreachable(encoding);
  }
}

function decoded<M>(result: Result<M, DecodeError>): Result<M, BodyError> {
  return result.ok ? result : err({ code: "BODY_NOT_DECODED", error: result.error });
}

/** Reads a body that is the JSON list in the field `field` of the message `name`. */
export async function readList<N extends MessageName>(
  request: Request,
  name: N,
  field: keyof Messages[N] & string,
): Promise<Result<Messages[N], BodyError>> {
  const body = await readBytes(request, REQUEST_BYTES);
  if (!body.ok) return body;
  const text = decodeUtf8(body.value);
  if (text === undefined) return err({ code: "BODY_NOT_UTF8" });
  return decodeListIn(name, field, { text });
}

/** A message of a JSON list for one of its fields, and of the values of fields beside that. */
export function decodeListIn<N extends MessageName>(
  name: N,
  field: keyof Messages[N] & string,
  { text, beside = {} }: { readonly text: string; readonly beside?: object },
): Result<Messages[N], BodyError> {
  const parsed = parseJson(text, REQUEST_JSON);
  return decoded(parsed.ok ? decodeJsonValue(name, { ...beside, [field]: parsed.value }) : parsed);
}

/** The body of a form, by field. */
export async function readForm(request: Request): Promise<Result<URLSearchParams, BodyError>> {
  const body = await readBytes(request, REQUEST_BYTES);
  if (!body.ok) return body;
  const text = decodeUtf8(body.value);
  return text === undefined ? err({ code: "BODY_NOT_UTF8" }) : ok(new URLSearchParams(text));
}

/** Stops reading as soon as there is too much: a length may be missing, or a lie. */
async function readBytes(request: Request, limit: number): Promise<Result<Uint8Array, BodyError>> {
  const told = request.headers.get("Content-Length");
  if (Number(told ?? 0) > limit) return err({ code: "BODY_TOO_LARGE", limit });
  if (request.body === null) return ok(new Uint8Array());
  try {
    // The platform ends a body at its told length, and reads it at once in a fraction of the time.
    const isTold = told !== null && /^\d{1,15}$/.test(told);
    if (!isTold) return await readPieces(request.body, limit);
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.byteLength > limit ? err({ code: "BODY_TOO_LARGE", limit }) : ok(bytes);
  } catch (error) {
    // The client went away, or its connection broke: nobody's bug.
    return err({ code: "BODY_BROKEN", cause: String(error) });
  }
}

async function readPieces(
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Result<Uint8Array, BodyError>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ok(join(pieces, length));
    length += value.byteLength;
    if (length > limit) {
      await reader.cancel();
      return err({ code: "BODY_TOO_LARGE", limit });
    }
    pieces.push(value);
  }
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
