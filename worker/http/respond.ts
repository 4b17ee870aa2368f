/**
 * The one place where facts become HTTP answers: status numbers and sentences. A sentence says what
 * happened, to which id, and what to do.
 *
 * Some clients match on a text, so these are as Mesos has them: "Framework cannot be found",
 * "Framework is not subscribed", and the prefixes "Failed to validate scheduler::Call: " and
 * "Failed to validate master::Call: ".
 */

import type { CallError } from "../core/call-error.ts";
import type { CallRefusal, LinkRefusal } from "../ports.ts";
import type { MessageName, Messages } from "../protocol/descriptors.ts";
import { decodeStatus, negotiationStatus } from "../protocol/http-status.ts";
import { describeNegotiationError, type NegotiationError } from "../protocol/negotiation.ts";
import type { MessageEncoding } from "../protocol/wire/encoding.ts";
import { describeDecodeError, encodeJson } from "../protocol/wire/json.ts";
import { encodeProtobuf } from "../protocol/wire/protobuf.ts";
import { unreachable } from "../std/assert.ts";
import type { BodyError } from "./body.ts";
import {
  conversionStatus,
  describeConversionError,
  isConversionError,
} from "./operation-sentences.ts";
import { describeOperatorError, isOperatorError, operatorStatus } from "./operator-sentences.ts";
import { describeOwnError, isOwnError, ownStatus } from "./own-sentences.ts";
import type { InvalidCall } from "./validate-scheduler-call.ts";

export function textAnswer(
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const contentType = { "Content-Type": "text/plain; charset=utf-8" };
  return new Response(sentence, { status, headers: { ...contentType, ...headers } });
}

/** 202, or 200, with nothing at all: some clients refuse a body or a Content-Type here. */
export function emptyAnswer(status: 200 | 202): Response {
  return new Response(null, { status });
}

/** 200 with a message. */
export function messageAnswer<N extends MessageName>(
  name: N,
  message: Messages[N],
  encoding: MessageEncoding,
): Response {
  switch (encoding) {
    case "application/json":
      return jsonAnswer(encodeJson(name, message));
    case "application/x-protobuf":
      return new Response(encodeProtobuf(name, message), { headers: { "Content-Type": encoding } });
    default:
      return unreachable(encoding);
  }
}

export function jsonAnswer(json: string): Response {
  return new Response(json, { headers: { "Content-Type": "application/json" } });
}

export function notFound(path: string): Response {
  return textAnswer(
    404,
    `There is nothing at ${path}. The APIs are at /api/v1 and /api/v1/scheduler.`,
  );
}

export function methodNotAllowed(method: string, allowed: string): Response {
  return textAnswer(405, `This path takes ${allowed}, not ${method}.`, { Allow: allowed });
}

/** NO_AGENT_FILE: the deployment was made without it. ODD_HOST: an address not fit for a script. */
export function cannotInstall(reason: "NO_AGENT_FILE" | "ODD_HOST"): Response {
  switch (reason) {
    case "NO_AGENT_FILE":
      return textAnswer(
        404,
        "This deployment carries no agent. Deploy it again after `npm run build`, or run " +
          "`npx rimrock-agent` from a checkout.",
      );
    case "ODD_HOST":
      return textAnswer(400, "Ask by the control plane's plain host name or address.");
    default:
      return unreachable(reason);
  }
}

export function badNegotiation(error: NegotiationError): Response {
  return textAnswer(negotiationStatus(error), describeNegotiationError(error));
}

export function badBody(error: BodyError): Response {
  return textAnswer(bodyStatus(error), describeBodyError(error));
}

export function invalidSchedulerCall(error: InvalidCall): Response {
  return textAnswer(400, `Failed to validate scheduler::Call: ${describeInvalidCall(error)}`);
}

export function invalidMasterCall(error: InvalidCall): Response {
  return textAnswer(400, `Failed to validate master::Call: ${describeInvalidCall(error)}`);
}

export function invalidAgentCall(error: InvalidCall): Response {
  return textAnswer(400, `Failed to validate agent::Call: ${describeInvalidCall(error)}`);
}

export function streamIdOnSubscribe(): Response {
  const sentence =
    "A SUBSCRIBE opens a new stream, so it must not carry the header 'Mesos-Stream-Id'. Leave it out.";
  return textAnswer(400, sentence);
}

export function refusedCall(error: CallError): Response {
  return textAnswer(callStatus(error), describeCallError(error));
}

/** The master met a bug; the turn was undone. */
export function failedTurn(): Response {
  const sentence =
    "The master failed on this call; nothing of it was done. The call is in its log. Please report it.";
  return textAnswer(500, sentence);
}

export function masterUnreached(): Response {
  const sentence =
    "The master did not answer: it restarts or has too much to do. What became of the call is not known; try again.";
  return textAnswer(503, sentence, { "Retry-After": "1" });
}

/** The line of those who read the state is full. */
export function tooManyReads(): Response {
  const sentence = "Too many clients are reading the master's state just now; try again.";
  return textAnswer(503, sentence, { "Retry-After": "1" });
}

export function edgeFailed(): Response {
  return textAnswer(
    500,
    "The request met a bug in the master's HTTP layer. It is in the log. Please report it.",
  );
}

export function callNotServed(type: string): Response {
  return textAnswer(501, `The call ${type} is not served by this master yet.`);
}

export function agentNotFound(agentId: string): Response {
  const help = "'rimrock agent list' (GET_AGENTS) shows those that there are.";
  return textAnswer(404, `There is no agent ${agentId} in this cluster. ${help}`);
}

export function agentCallFailed(agentId: string, reason: CallRefusal): Response {
  switch (reason) {
    case "AGENT_NOT_CONNECTED":
      return textAnswer(
        503,
        `Agent ${agentId} is not connected to the master. Try again when it is back.`,
      );
    case "AGENT_LOST":
      return textAnswer(
        503,
        `Agent ${agentId} was lost or restarted before it answered. Try again.`,
      );
    case "TIMED_OUT":
      return textAnswer(504, `Agent ${agentId} did not answer within 30 seconds. Try again.`);
    case "TOO_MANY_CALLS": {
      const sentence = `Agent ${agentId} has too many open calls. Close some, or try again later.`;
      return textAnswer(503, sentence);
    }
    default:
      return unreachable(reason);
  }
}

export function badCallback(): Response {
  const sentence = "The parameter 'jsonp' must be a JavaScript name of at most 100 characters.";
  return textAnswer(400, sentence);
}

export function unknownParameter(
  name: string,
  { known, meant }: { readonly known: readonly string[]; readonly meant: string | undefined },
): Response {
  if (known.length === 0) return textAnswer(400, `This path takes no parameters, not '${name}'.`);
  const hint = meant === undefined ? `There are: ${known.join(", ")}.` : `Did you mean '${meant}'?`;
  return textAnswer(400, `This path knows no parameter '${name}'. ${hint}`);
}

/** `wanted`: "a number" and the like. */
export function invalidParameter(
  name: string,
  { text, wanted }: { readonly text: string; readonly wanted: string },
): Response {
  return textAnswer(400, `The parameter '${name}' is '${text}'; give ${wanted}.`);
}

/** 500, with every mistake in the deployment's configuration. */
export function badConfiguration(lines: string): Response {
  return textAnswer(500, `This deployment is not configured correctly:\n${lines}\n`);
}

/** Errors on the agents' link are JSON, so that an agent can tell what to do from the code. */
export function linkError(status: number, code: string, message: string): Response {
  const body = encodeJson("rimrock.link.ErrorResponse", { code, message });
  return new Response(body, { status, headers: { "Content-Type": "application/json" } });
}

export function linkBadBody(error: BodyError): Response {
  return linkError(bodyStatus(error), "BAD_REQUEST", describeBodyError(error));
}

export function linkBadNegotiation(error: NegotiationError): Response {
  return linkError(negotiationStatus(error), "BAD_REQUEST", describeNegotiationError(error));
}

export function linkRefusedCall(error: CallError): Response {
  return linkError(callStatus(error), error.code, describeCallError(error));
}

export function linkRefused({ code }: LinkRefusal): Response {
  switch (code) {
    case "REGISTER_AGAIN":
      return linkError(409, code, "This is not the agent's live session. Register again.");
    case "TRY_AGAIN":
      return linkError(503, code, "The master did not answer in time. Send it again.");
    case "CALL_UNKNOWN":
      return linkError(410, code, "Nobody waits for the answer to this call any more. Drop it.");
    default:
      return unreachable(code);
  }
}

function bodyStatus(error: BodyError): number {
  switch (error.code) {
    case "BODY_TOO_LARGE":
      return 413;
    case "BODY_BROKEN":
    case "BODY_NOT_UTF8":
      return 400;
    case "BODY_NOT_DECODED":
      return decodeStatus(error.error);
    default:
      return unreachable(error);
  }
}

function describeBodyError(error: BodyError): string {
  switch (error.code) {
    case "BODY_TOO_LARGE":
      return `The body has more than ${error.limit} bytes. Send it in several calls.`;
    case "BODY_BROKEN":
      return `The body broke off (${error.cause}). Send the whole request again.`;
    case "BODY_NOT_UTF8":
      return "The body is not UTF-8 text, which JSON has to be.";
    case "BODY_NOT_DECODED":
      return describeDecodeError(error.error);
    default:
      return unreachable(error);
  }
}

function describeInvalidCall(error: InvalidCall): string {
  switch (error.code) {
    case "FIELD_MISSING":
      return `'${error.field}' is missing; set it and send the call again`;
    case "IDS_DIFFER":
      return `'${error.field}' is not the same as '${error.other}'; set both to the framework's id, or neither`;
    case "PRINCIPALS_DIFFER":
      return `'subscribe.framework_info.principal' is '${error.named}', but the caller is '${error.caller}'`;
    case "UUID_MALFORMED":
      return `'${error.field}' has to be the 16 bytes of the update's uuid, in base64; it has ${error.bytes} bytes`;
    case "TOO_MANY":
      return `'${error.field}' has ${error.count} entries; at most ${error.limit} are accepted. Send several calls`;
    case "TOO_LONG":
      return `'${error.field}' is longer than ${error.limit} bytes. Shorten it, or fetch it as a file`;
    default:
      return unreachable(error);
  }
}

function callStatus(error: CallError): number {
  if (isOperatorError(error)) return operatorStatus(error);
  if (isConversionError(error)) return conversionStatus(error);
  if (isOwnError(error)) return ownStatus(error);
  switch (error.code) {
    case "FRAMEWORK_NOT_SUBSCRIBED":
    case "NOT_AUTHORIZED":
      return 403;
    case "CALL_NOT_SERVED":
      return 501;
    case "FRAMEWORK_INVALID":
    case "FRAMEWORK_NOT_FOUND":
    case "PRINCIPAL_MISMATCH":
    case "STREAM_ID_MISSING":
    case "STREAM_ID_MISMATCH":
    case "AGENT_INVALID":
      return 400;
    default:
      return unreachable(error);
  }
}

function describeCallError(error: CallError): string {
  if (isOperatorError(error)) return describeOperatorError(error);
  if (isConversionError(error)) return describeConversionError(error);
  if (isOwnError(error)) return describeOwnError(error);
  switch (error.code) {
    case "FRAMEWORK_NOT_FOUND":
      return "Framework cannot be found";
    case "FRAMEWORK_NOT_SUBSCRIBED":
      return "Framework is not subscribed";
    case "PRINCIPAL_MISMATCH":
      return (
        `Framework ${error.frameworkId} belongs to another principal than ` +
        `'${error.principal}'. Use its credentials.`
      );
    case "STREAM_ID_MISSING":
      return (
        `Calls of framework ${error.frameworkId} need the header 'Mesos-Stream-Id' that the ` +
        "answer to its SUBSCRIBE carried."
      );
    case "STREAM_ID_MISMATCH":
      return (
        `The stream ${error.streamId} is not the one that framework ${error.frameworkId} is ` +
        "subscribed with now. Subscribe again, or stop: another instance may have taken over."
      );
    case "NOT_AUTHORIZED":
      return `The caller is not authorized to ${error.action}.`;
    case "FRAMEWORK_INVALID":
      return `The framework cannot be updated: ${error.problem}.`;
    case "CALL_NOT_SERVED":
      return `The call ${error.callType} is not served by this master yet.`;
    case "AGENT_INVALID":
      return `The agent cannot register: '${error.field}' ${error.message}`;
    default:
      return unreachable(error);
  }
}
