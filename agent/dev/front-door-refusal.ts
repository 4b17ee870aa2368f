/** What the front door answers by itself: the only place with its status codes and sentences. */
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

const REFUSALS = {
  BODY_TOO_LARGE: {
    status: 413,
    sentence: "The body of this request is too large for one call; split it into several calls.",
  },
  EXPECTATION_UNKNOWN: {
    status: 417,
    sentence: "The Expect header asks for something other than 100-continue; leave it out.",
  },
  /** Nothing of the request was sent. */
  CONTROL_PLANE_AWAY: {
    status: 503,
    sentence: "The control plane is restarting and did not see this request; send it again.",
  },
  /** The request, or a part of it, was sent, and no answer came. */
  CONTROL_PLANE_LOST: {
    status: 502,
    sentence:
      "The control plane ended before it answered; the call may have taken effect. Look before you send it again.",
  },
} as const;

export type Refusal = keyof typeof REFUSALS;

/** Answers in plain text; ends the connection instead when the response has begun already. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, sentence } = REFUSALS[refusal];
  const body = `${sentence}\n`;
  const headers: Record<string, string | number> = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
  };
  if (refusal === "CONTROL_PLANE_AWAY") headers["Retry-After"] = 1;
  // The rest of a body that nobody reads would be taken for the next request.
  if (!response.req.complete) headers.Connection = "close";
  response.writeHead(status, headers);
  response.end(body);
}

/** Answers what cannot be parsed as HTTP, and ends the connection. */
export function endConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  const sentence = `This is not a well-formed HTTP/1.1 request (${error.code ?? error.message}).\n`;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(sentence)}\r\n\r\n` +
      sentence,
  );
}
