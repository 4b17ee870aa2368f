/** One call from its bytes, in either encoding. */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { decodeJson } from "../../worker/protocol/wire/json.ts";
import { decodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { err, type Result } from "../../worker/std/result.ts";
import { type Answer, badBody, bodyNotText } from "./respond.ts";

export function decodeCall(
  body: Uint8Array,
  encoding: MessageEncoding,
): Result<agent.Call, Answer> {
  if (encoding === "application/x-protobuf") {
    const decoded = decodeProtobuf("mesos.v1.agent.Call", body);
    return decoded.ok ? decoded : err(badBody(decoded.error));
  }
  const text = utf8(body);
  if (text === undefined) return err(bodyNotText());
  const decoded = decodeJson("mesos.v1.agent.Call", text);
  return decoded.ok ? decoded : err(badBody(decoded.error));
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
