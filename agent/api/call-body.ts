/** What a client sends: its bytes, to a bound, and the message in them, in either encoding. */
import { REQUEST_BYTES } from "../../worker/protocol/limits.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { decodeJson } from "../../worker/protocol/wire/json.ts";
import { decodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { type Answer, badBody, bodyNotText, bodyTooLarge } from "./respond.ts";

type CallName = "mesos.v1.agent.Call" | "mesos.v1.executor.Call";

/** Of one that is too large the rest is not read. */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<Result<Buffer, Answer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of body) {
    length += bytes.length;
    if (length > REQUEST_BYTES) return err(bodyTooLarge(REQUEST_BYTES));
    pieces.push(bytes);
  }
  return ok(Buffer.concat(pieces));
}

export function decodeCall<N extends CallName>(
  name: N,
  body: Uint8Array,
  encoding: MessageEncoding,
) {
  if (encoding === "application/x-protobuf") {
    const decoded = decodeProtobuf(name, body);
    return decoded.ok ? decoded : err(badBody(decoded.error));
  }
  const text = utf8(body);
  if (text === undefined) return err(bodyNotText());
  const decoded = decodeJson(name, text);
  return decoded.ok ? decoded : err(badBody(decoded.error));
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
