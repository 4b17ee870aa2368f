/**
 * The agents' link: registration goes to the master, everything else to the agent's relay, whose id
 * the registration's answer named. Every error is a JSON `rimrock.link.ErrorResponse` with a code
 * that tells the agent what to do.
 */

import { type LinkAnswer, POLL_HOLD_MS, type RelayPort } from "../../ports.ts";
import type { MessageName } from "../../protocol/descriptors.ts";
import type { RelayId } from "../../protocol/ids.ts";
import { CALL_REPLY_BYTES, REQUEST_BYTES } from "../../protocol/limits.ts";
import { contentType } from "../../protocol/negotiation.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { type DecodedBody, readMessage } from "../body.ts";
import type { EdgeContext } from "../context.ts";
import {
  jsonAnswer,
  linkBadBody,
  linkBadNegotiation,
  linkError,
  linkRefused,
  linkRefusedCall,
} from "../respond.ts";
import { linkTypes } from "../served-types.ts";

/** The version of the link that this master speaks. */
const PROTOCOL_VERSION = 1;

/** Relay ids are made by the master; this keeps other names from becoming objects. */
const RELAY_ID = /^relay-[1-9]\d{0,5}$/;

/** A CallReply in JSON: its data in base64, and the rest. */
const CALL_REPLY_BODY_BYTES = Math.ceil((CALL_REPLY_BYTES * 4) / 3) + 64 * 1024;

export async function registerRoute(context: EdgeContext): Promise<Response> {
  const body = await readLinkMessage(context, "rimrock.link.RegisterRequest");
  if (!body.ok) return body.error;
  const request = body.value.message;
  if (request.protocol_version !== PROTOCOL_VERSION) {
    const message =
      `The agent speaks version ${request.protocol_version} of the link, the master version ` +
      `${PROTOCOL_VERSION}. Install the same release on both sides.`;
    return linkError(400, "PROTOCOL_VERSION", message);
  }
  const { master } = context.get("cluster");
  const applied = await master.apply(context.get("principal"), { type: "AGENT_REGISTER", request });
  if (applied.type === "REPLIED" && applied.reply.type === "REFUSED") {
    return linkRefusedCall(applied.reply.error);
  }
  if (applied.type === "FAILED" || applied.reply.type !== "REGISTERED") {
    return linkError(500, "MASTER_FAILED", "The master failed on this registration. See its log.");
  }
  const { agentId, relayId } = applied.reply;
  return jsonAnswer(
    encodeJson("rimrock.link.RegisterResponse", {
      agent_id: { value: agentId },
      relay_id: relayId,
      poll_hold_seconds: POLL_HOLD_MS / 1_000,
    }),
  );
}

export async function pollRoute(context: EdgeContext): Promise<Response> {
  const relay = relayOf(context);
  if (!relay.ok) return relay.error;
  const body = await readLinkMessage(context, "rimrock.link.PollRequest");
  if (!body.ok) return body.error;
  const { port, relayId } = relay.value;
  const answer = await port.poll(relayId, body.value.message);
  if (answer.type === "REFUSED") return linkRefused(answer);
  return jsonAnswer(encodeJson("rimrock.link.PollResponse", { commands: answer.commands }));
}

export async function reportRoute(context: EdgeContext): Promise<Response> {
  const relay = relayOf(context);
  if (!relay.ok) return relay.error;
  const body = await readLinkMessage(context, "rimrock.link.ReportRequest");
  if (!body.ok) return body.error;
  const { port, relayId } = relay.value;
  return linkAnswer(await port.report(relayId, body.value.message, body.value.bytes));
}

export async function callReplyRoute(context: EdgeContext): Promise<Response> {
  const relay = relayOf(context);
  if (!relay.ok) return relay.error;
  const body = await readLinkMessage(context, "rimrock.link.CallReply", CALL_REPLY_BODY_BYTES);
  if (!body.ok) return body.error;
  const { port, relayId } = relay.value;
  return linkAnswer(await port.callReply(relayId, body.value.message));
}

export async function callInputRoute(context: EdgeContext): Promise<Response> {
  const relay = relayOf(context);
  if (!relay.ok) return relay.error;
  const body = await readLinkMessage(context, "rimrock.link.CallInputRequest");
  if (!body.ok) return body.error;
  const { port, relayId } = relay.value;
  const answer = await port.callInput(relayId, body.value.message);
  if (answer.type === "REFUSED") return linkRefused(answer);
  const piece = answer.type === "PIECE" ? { data: answer.data, last: answer.last } : {};
  return jsonAnswer(encodeJson("rimrock.link.CallInputResponse", piece));
}

export function linkNotFound(context: EdgeContext): Response {
  const message = `There is nothing at ${context.req.path} for agents.`;
  return linkError(404, "NOT_FOUND", message);
}

function linkAnswer(answer: LinkAnswer): Response {
  if (answer.type === "REFUSED") return linkRefused(answer);
  return jsonAnswer(encodeJson("rimrock.link.ReportResponse", {}));
}

interface NamedRelay {
  readonly relayId: RelayId;
  readonly port: RelayPort;
}

function relayOf(context: EdgeContext): Result<NamedRelay, Response> {
  const name = context.req.param("relay") ?? "";
  if (!RELAY_ID.test(name)) {
    const message = `There is no relay '${name.slice(0, 64)}'. Use the one that the registration named.`;
    return err(linkError(404, "RELAY_NOT_FOUND", message));
  }
  const relayId = name as RelayId;
  return ok({ relayId, port: context.get("cluster").relay(relayId) });
}

async function readLinkMessage<N extends MessageName>(
  context: EdgeContext,
  name: N,
  limit = REQUEST_BYTES,
): Promise<Result<DecodedBody<N>, Response>> {
  const request = context.req.raw;
  if (request.method !== "POST") {
    const message = `This path takes POST, not ${request.method}.`;
    return err(linkError(405, "METHOD_NOT_ALLOWED", message));
  }
  const type = contentType(request.headers.get("Content-Type"), linkTypes);
  if (!type.ok) return err(linkBadNegotiation(type.error));
  const body = await readMessage(request, name, type.value, limit);
  return body.ok ? body : err(linkBadBody(body.error));
}
