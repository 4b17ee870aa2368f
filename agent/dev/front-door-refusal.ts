/** What the front door answers by itself: the only place with its status codes and sentences. */
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

const REFUSALS = {
  TARGET_MALFORMED: {
    status: 400,
    sentence: "The target of this request is no path; send one that begins with a slash.",
  },
  HOST_MALFORMED: {
    status: 400,
    sentence: "The Host header is there twice or is no host; send the one of the URL.",
  },
  PAGE_FOREIGN: {
    status: 403,
    sentence:
      "Pages of other sites may not ask this cluster; ask it by its address, or as localhost.",
  },
  BODY_MALFORMED: {
    status: 400,
    sentence:
      "The body of this request is not framed as HTTP/1.1 says; check its length or chunks.",
  },
  BODY_TOO_SLOW: {
    status: 408,
    sentence: "The body of this request did not arrive in time; send it again, whole.",
  },
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

/**
 * Answers in plain text; ends the connection instead when the response has begun already.
 *
 * A client that is still sending its body would not see an answer behind which the connection
 * breaks: the kernel throws away what it has not read when data comes for a closed socket. So the
 * rest of the body is read and thrown away, for `lingerMs` at most, and only then the connection is
 * closed.
 */
export function refuse(response: ServerResponse, refusal: Refusal, lingerMs: number): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { req: request } = response;
  const { status, sentence } = REFUSALS[refusal];
  const body = `${sentence}\n`;
  const headers: Record<string, string | number> = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
  };
  if (refusal === "CONTROL_PLANE_AWAY") headers["Retry-After"] = 1;
  if (request.complete || FRAMING_LOST.has(refusal)) {
    if (!request.complete) headers.Connection = "close";
    response.writeHead(status, headers).end(body);
    return;
  }
  headers.Connection = "close";
  response.writeHead(status, headers).write(body);
  const timer = setTimeout(() => response.end(), lingerMs);
  request.once("end", () => response.end());
  response.once("close", () => clearTimeout(timer));
  request.resume();
}

/** After these the end of the body will never be seen. */
const FRAMING_LOST: ReadonlySet<Refusal> = new Set(["BODY_MALFORMED", "BODY_TOO_SLOW"]);

/** CONNECT asks for a tunnel, and Node hands over the bare connection for that. */
export function refuseTunnel(socket: Duplex): void {
  const sentence = "This is no proxy: CONNECT is not served.\n";
  socket.end(closingAnswer(405, sentence, "Allow: GET, HEAD, POST\r\n"));
}

/**
 * Answers what cannot be parsed as HTTP, or did not come in time, and ends the connection. Nothing
 * else may be under way on it.
 */
export function endConnection(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  lingerMs: number,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, sentence } = headRefusal(error);
  socket.end(closingAnswer(status, sentence));
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

function closingAnswer(status: number, sentence: string, headers = ""): string {
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${headers}` +
    `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(sentence)}\r\n\r\n` +
    sentence
  );
}

function headRefusal({ code, message }: NodeJS.ErrnoException): {
  readonly status: number;
  readonly sentence: string;
} {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, sentence: "The request's path and headers are too long together.\n" };
    case TOO_SLOW:
      return { status: 408, sentence: "The request's head did not arrive in time.\n" };
    default:
      return {
        status: 400,
        sentence: `This is not a well-formed HTTP/1.1 request (${code ?? message}).\n`,
      };
  }
}

/** The code of Node's error for a request that takes longer than the server allows. */
export const TOO_SLOW = "ERR_HTTP_REQUEST_TIMEOUT";
