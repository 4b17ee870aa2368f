/** The answers of the agent's API that are sentences, each with its HTTP number. */

import { decodeStatus, negotiationStatus } from "../../worker/protocol/http-status.ts";
import {
  describeNegotiationError,
  type NegotiationError,
} from "../../worker/protocol/negotiation.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { type DecodeError, describeDecodeError } from "../../worker/protocol/wire/json.ts";
import { describeRecordError, type RecordError } from "../../worker/protocol/wire/record-io.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { describeFilesError, type FilesError } from "../shell/files.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer that is made piece by piece, no faster than the client reads. */
export interface StreamAnswer {
  readonly status: 200;
  readonly headers: Readonly<Record<string, string>>;
  /** Called once. Ends without an error when `signal` aborts: the client has gone. */
  readonly pieces: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

export function textAnswer(
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const type = { "Content-Type": "text/plain; charset=utf-8" };
  return { status, headers: { ...type, ...headers }, body: sentence };
}

export function jsonAnswer(json: string | Uint8Array): Answer {
  return { status: 200, headers: { "Content-Type": "application/json" }, body: json };
}

export function messageAnswer(encoding: MessageEncoding, body: string | Uint8Array): Answer {
  return { status: 200, headers: { "Content-Type": encoding }, body };
}

/** 200 with nothing at all. */
export const emptyAnswer: Answer = { status: 200, headers: {}, body: "" };

/** 202: what was asked for was there before. */
export const acceptedAnswer: Answer = { status: 202, headers: {}, body: "" };

/** Of a stream of messages: RecordIO in any case, and called so if the client asked for that. */
export function streamHeaders(
  encoding: MessageEncoding,
  { asRecords }: { readonly asRecords: boolean },
): Readonly<Record<string, string>> {
  if (!asRecords) return { "Content-Type": encoding };
  return { "Content-Type": "application/recordio", "Message-Content-Type": encoding };
}

export function notFound(path: string): Answer {
  return textAnswer(404, `There is nothing at ${path}. The API is at /api/v1.`);
}

export function methodNotAllowed(method: string, allowed: string): Answer {
  return textAnswer(405, `This path takes ${allowed}, not ${method}.`, { Allow: allowed });
}

export function recovering(): Answer {
  return textAnswer(503, "The agent is looking for the tasks of its last process. Try again.");
}

export function notServed(what: string): Answer {
  return textAnswer(501, `This agent does not serve ${what} yet.`);
}

export function badNegotiation(error: NegotiationError): Answer {
  return textAnswer(negotiationStatus(error), describeNegotiationError(error));
}

/** Of the messages in a stream of records. */
export function badMessageType(error: NegotiationError): Answer {
  const sentence = describeNegotiationError(error).replaceAll(
    "Content-Type",
    "Message-Content-Type",
  );
  return textAnswer(negotiationStatus(error), sentence);
}

export function messageTypeWithoutRecords(): Answer {
  const sentence = "'Message-Content-Type' is for bodies of application/recordio; leave it out.";
  return textAnswer(415, sentence);
}

/** `type`: of the call. */
export function recordsForOtherCall(type: string): Answer {
  const sentence =
    `A body of application/recordio is for ATTACH_CONTAINER_INPUT alone, not for ${type}. ` +
    "Send application/json or application/x-protobuf.";
  return textAnswer(415, sentence);
}

export function inputWithoutRecords(): Answer {
  const sentence =
    "ATTACH_CONTAINER_INPUT is a stream: send it as application/recordio, with the " +
    "'Message-Content-Type' of its records.";
  return textAnswer(415, sentence);
}

export function recordsForPlainAnswer(type: string): Answer {
  const sentence = `The answer to ${type} is no stream. Accept application/json instead.`;
  return textAnswer(406, sentence);
}

/** Of the messages in an answer of records. */
export function badMessageAccept(error: NegotiationError): Answer {
  const sentence = describeNegotiationError(error).replaceAll("Accept", "Message-Accept");
  return textAnswer(negotiationStatus(error), sentence);
}

export function badRecords(error: RecordError): Answer {
  return textAnswer(400, describeRecordError(error));
}

export function messageAcceptWithoutRecords(): Answer {
  const sentence = "'Message-Accept' is for answers in application/recordio; leave it out.";
  return textAnswer(406, sentence);
}

export function bodyTooLarge(limit: number): Answer {
  // The rest of the body is not read, so nothing can follow it.
  return textAnswer(413, `The body has more than ${limit} bytes.`, { Connection: "close" });
}

export function bodyNotText(): Answer {
  return textAnswer(400, "The body is not UTF-8 text, which JSON has to be.");
}

export function badBody(error: DecodeError): Answer {
  return textAnswer(decodeStatus(error), describeDecodeError(error));
}

/** `why`: a sentence without its full stop. Clients match on how it begins. */
export function invalidCall(why: string): Answer {
  return textAnswer(400, `Failed to validate agent::Call: ${why}`);
}

export function fieldMissing(field: string): Answer {
  return invalidCall(`'${field}' is missing; set it and send the call again`);
}

export function badCallback(): Answer {
  const sentence = "The parameter 'jsonp' must be a JavaScript name of at most 100 characters.";
  return textAnswer(400, sentence);
}

export function badTimeout(text: string): Answer {
  const sentence = `The parameter 'timeout' is '${text}'; give a duration such as 5secs or 500ms.`;
  return textAnswer(400, sentence);
}

export function parameterMissing(name: string, why: string): Answer {
  return textAnswer(400, `The parameter '${name}' is missing: ${why}.\n`);
}

export function badNumber(parameter: string, text: string): Answer {
  const sentence = `The parameter '${parameter}' is '${text}'; give a whole number from -1.`;
  return textAnswer(400, `${sentence}\n`);
}

export function loggingLevel(level: number): Answer {
  return textAnswer(200, `${level}\n`);
}

export function badLoggingLevel(text: string): Answer {
  return textAnswer(400, `The parameter 'level' is '${text}'; give a whole number from 0.\n`);
}

export function badLoggingDuration(text: string): Answer {
  const sentence = `The parameter 'duration' is '${text}'; give a duration such as 30secs or 5mins.`;
  return textAnswer(400, `${sentence}\n`);
}

/** As Mesos says it: clients show it as it is. */
export function directoryDownload(): Answer {
  return textAnswer(400, "Cannot download a directory.\n");
}

export function filesRefused(error: FilesError): Answer {
  return textAnswer(filesStatus(error), describeFilesError(error));
}

/** `path`: of the file that has it. */
export function tokenMissing(path: string): Answer {
  const sentence = `Send 'Authorization: Bearer TOKEN' with the token in the file ${path} on this machine.`;
  const challenge = { "WWW-Authenticate": 'Bearer realm="rimrock-agent"' };
  return textAnswer(401, sentence, challenge);
}

export function strangeHost(host: string | undefined): Answer {
  const sentence = `The Host '${host ?? ""}' is not this agent's: ask it by its own name or address.`;
  return textAnswer(403, sentence);
}

export function fromAnotherSite(): Answer {
  return textAnswer(403, "Pages of other sites may not ask this agent.");
}

export function failed(): Answer {
  return textAnswer(500, "The request met a bug in the agent. It is in its log. Please report it.");
}

function filesStatus(error: FilesError): number {
  switch (error.code) {
    case "NOT_FOUND":
      return 404;
    case "NOT_A_FILE":
    case "NOT_A_DIRECTORY":
      return 400;
    case "FAILED":
      return error.errno === "EACCES" ? 403 : 500;
    default:
      return unreachable(error);
  }
}
