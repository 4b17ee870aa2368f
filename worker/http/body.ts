/**
 * Request bodies: bytes within a bound, as UTF-8 text, as a message. Bounds are checked before the
 * memory is spent.
 */
import type { MessageName, Messages } from "../protocol/descriptors.ts";
import { REQUEST_BYTES } from "../protocol/limits.ts";
import { type DecodeError, decodeJson } from "../protocol/wire/json.ts";
import { err, ok, type Result } from "../std/result.ts";

export type BodyError =
  /** `limit`: bytes. */
  | { readonly code: "BODY_TOO_LARGE"; readonly limit: number }
  | { readonly code: "BODY_NOT_UTF8" }
  | { readonly code: "BODY_NOT_DECODED"; readonly error: DecodeError };

export interface DecodedBody<N extends MessageName> {
  readonly message: Messages[N];
  /** Length of the body as it came. */
  readonly bytes: number;
}

/** Reads a JSON body as the message `name`. */
export async function readMessage<N extends MessageName>(
  request: Request,
  name: N,
  limit = REQUEST_BYTES,
): Promise<Result<DecodedBody<N>, BodyError>> {
  const body = await readBytes(request, limit);
  if (!body.ok) return body;
  const text = decodeUtf8(body.value);
  if (text === undefined) return err({ code: "BODY_NOT_UTF8" });
  const decoded = decodeJson(name, text);
  if (!decoded.ok) return err({ code: "BODY_NOT_DECODED", error: decoded.error });
  return ok({ message: decoded.value, bytes: body.value.byteLength });
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
  const tooLarge = err({ code: "BODY_TOO_LARGE", limit } as const);
  const told = request.headers.get("Content-Length");
  if (Number(told ?? 0) > limit) return tooLarge;
  if (request.body === null) return ok(new Uint8Array());
  // The platform ends a body at its told length, and reads it at once in a fraction of the time.
  if (told !== null) return ok(new Uint8Array(await request.arrayBuffer()));
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ok(join(pieces, length));
    length += value.byteLength;
    if (length > limit) {
      await reader.cancel();
      return tooLarge;
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
