/**
 * One request of a client and its response, from its arrival to its last byte.
 *
 *   connecting ──connected──▶ sent ──response head──▶ answered ──▶ ended
 *       │  ▲                   │
 *       └──┘ refused: again    └─ lost: 502, or once more if it was a bare GET or HEAD
 *
 * The body is not read before a connection stands, so a request can wait for workerd without a copy
 * of it.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { createGzip, gzip } from "node:zlib";
import type { FrontDoorOptions } from "./front-door.ts";
import { isToBeGzipped } from "./front-door-compression.ts";
import { endToEnd, headOf, type RequestHead, withoutHeader } from "./front-door-head.ts";
import { RecordChunks } from "./front-door-records.ts";
import { type Refusal, refuse } from "./front-door-refusal.ts";

const RETRY_FIRST_MS = 10;
const RETRY_MOST_MS = 100;
/** A longer answer is gzipped as it comes, and nobody knows its length before its end. */
const GZIP_WHOLE_MOST_BYTES = 4 * 1024 * 1024;

export interface Exchange {
  /** Calls back once, when the response has a head: the next pipelined request may start. */
  onAnswered(listener: () => void): void;
  /** Calls back once, when nothing more will happen. */
  onEnded(listener: () => void): void;
  /** False while the client still owes a part of the body. */
  readonly isReceived: boolean;
  /** Answers by itself, or breaks off the answer that has begun. */
  refuse(refusal: Refusal): void;
  /** The client has gone: ends the request to workerd. */
  abandon(): void;
}

interface ExchangeOptions extends FrontDoorOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export function startExchange(options: ExchangeOptions): Exchange {
  const exchange = new LiveExchange(options);
  exchange.start();
  return exchange;
}

/** Its body is passed on as it comes, and never held: it needs no bound. */
export function isEndless({ headers }: IncomingMessage): boolean {
  return headers["content-type"] === "application/recordio";
}

class LiveExchange implements Exchange {
  readonly #options: ExchangeOptions;
  readonly #deadlineMs: number;
  readonly #hasBody: boolean;
  readonly #head: RequestHead;
  #outgoing: ClientRequest | undefined;
  #incoming: IncomingMessage | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #repeated = false;
  #sent = false;
  #answered = false;
  #refused = false;
  #ended = false;
  #answeredListener: (() => void) | undefined;
  #endedListener: (() => void) | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#head = headOf(options.request);
    this.#deadlineMs = performance.now() + options.unavailableWaitMs;
    const { headers } = options.request;
    this.#hasBody =
      headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  }

  start(): void {
    const { request, response } = this.#options;
    response.on("close", () => this.#end());
    if (Number(request.headers["content-length"]) > this.#bytesMax) this.refuse("BODY_TOO_LARGE");
    else this.#connect();
  }

  get isReceived(): boolean {
    return this.#options.request.complete;
  }

  onAnswered(listener: () => void): void {
    if (this.#answered) listener();
    else this.#answeredListener = listener;
  }

  onEnded(listener: () => void): void {
    if (this.#ended) listener();
    else this.#endedListener = listener;
  }

  abandon(): void {
    this.#end();
  }

  #connect(): void {
    const { request, upstream } = this.#options;
    const head = this.#head;
    if (head.kind === "REFUSED") {
      this.refuse(head.refusal);
      return;
    }
    const outgoing = upstream.open({
      method: request.method ?? "GET",
      path: head.path,
      rawHeaders: this.#requestHeaders(head.headers),
    });
    this.#outgoing = outgoing;
    this.#sent = false;
    if (outgoing === undefined) {
      this.#connectLater();
      return;
    }
    outgoing.on("error", () => this.#lost(outgoing));
    outgoing.on("response", (incoming) => {
      if (!this.#ended) {
        this.#answer(incoming);
        return;
      }
      this.#tellHangUp(incoming);
      reset(outgoing);
    });
    outgoing.on("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => this.#send(outgoing));
      else this.#send(outgoing);
    });
  }

  get #bytesMax(): number {
    const { request, maxRequestBytes } = this.#options;
    return isEndless(request) ? Number.POSITIVE_INFINITY : maxRequestBytes;
  }

  #connectLater(): void {
    if (performance.now() + this.#retryMs > this.#deadlineMs) {
      this.refuse("CONTROL_PLANE_AWAY");
      return;
    }
    this.#retryTimer = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MOST_MS);
  }

  #requestHeaders(endToEndHeaders: readonly string[]): string[] {
    const { request } = this.#options;
    const headers = [...endToEndHeaders];
    if (request.headers["transfer-encoding"] !== undefined) {
      headers.push("Transfer-Encoding", "chunked");
    } else if (request.headers["content-length"] === undefined && request.method === "POST") {
      // Node would announce a chunked body for what is none.
      headers.push("Content-Length", "0");
    }
    return headers;
  }

  #send(outgoing: ClientRequest): void {
    if (this.#ended || outgoing.destroyed) return;
    this.#sent = true;
    const { request } = this.#options;
    if (!this.#hasBody) {
      request.resume();
      outgoing.end();
      return;
    }
    let received = 0;
    request.on("data", (piece: Buffer) => {
      if (this.#ended || this.#refused) return;
      received += piece.length;
      if (received > this.#bytesMax) {
        this.refuse("BODY_TOO_LARGE");
      } else if (!outgoing.write(piece)) {
        request.pause();
      }
    });
    outgoing.on("drain", () => request.resume());
    request.on("end", () => {
      if (!this.#refused) outgoing.end();
    });
  }

  #lost(outgoing: ClientRequest): void {
    // Once there is a response, its own end tells whether it is whole.
    if (this.#ended || this.#answered || outgoing !== this.#outgoing) return;
    const { request } = this.#options;
    const repeatable = !this.#hasBody && (request.method === "GET" || request.method === "HEAD");
    if (!this.#sent) {
      this.#connectLater();
    } else if (repeatable && !this.#repeated) {
      this.#repeated = true;
      this.#connect();
    } else {
      this.refuse("CONTROL_PLANE_LOST");
    }
  }

  #answer(incoming: IncomingMessage): void {
    this.#incoming = incoming;
    const { request, response, maxRecordBytes } = this.#options;
    const status = incoming.statusCode ?? 502;
    const headers = endToEnd(incoming.rawHeaders);
    const gzipped = isToBeGzipped(request, incoming);
    const kept = gzipped ? withoutHeader(headers, "content-length") : headers;
    if (gzipped) kept.push("Content-Encoding", "gzip");
    if (gzipped && Number(incoming.headers["content-length"]) <= GZIP_WHOLE_MOST_BYTES) {
      this.#answerWhole(incoming, kept);
      return;
    }
    response.writeHead(status, incoming.statusMessage ?? "", kept);
    const streams =
      request.method !== "HEAD" && incoming.headers["transfer-encoding"] !== undefined;
    if (streams) response.flushHeaders();
    const records = streams && request.method === "POST" && status === 200;
    this.#passBody(
      gzipped ? incoming.pipe(createGzip()) : incoming,
      records ? new RecordChunks(maxRecordBytes) : undefined,
    );
    incoming.on("error", () => response.destroy());
    incoming.on("close", () => {
      if (!incoming.complete) response.destroy();
    });
    this.#markAnswered();
  }

  /** Gzipped in one piece, so that the answer says how long it is, as Mesos' does. */
  #answerWhole(incoming: IncomingMessage, headers: readonly string[]): void {
    const { response } = this.#options;
    const pieces: Buffer[] = [];
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("error", () => response.destroy());
    incoming.on("close", () => {
      if (!incoming.complete) response.destroy();
    });
    incoming.on("end", () => {
      gzip(Buffer.concat(pieces), (error, zipped) => {
        if (this.#ended) return;
        if (error) {
          response.destroy();
          return;
        }
        const length = ["Content-Length", String(zipped.length)];
        response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage ?? "", [
          ...headers,
          ...length,
        ]);
        response.end(zipped);
      });
    });
    this.#markAnswered();
  }

  #passBody(body: Readable, records: RecordChunks | undefined): void {
    const { response } = this.#options;
    const write = (pieces: readonly Buffer[]): boolean => {
      if (pieces.length === 1) return pieces.every((piece) => response.write(piece));
      response.cork();
      let roomLeft = true;
      for (const piece of pieces) roomLeft = response.write(piece);
      response.uncork();
      return roomLeft;
    };
    body.on("data", (piece: Buffer) => {
      if (!write(records === undefined ? [piece] : records.push(piece))) body.pause();
    });
    response.on("drain", () => body.resume());
    body.on("end", () => {
      const type = this.#incoming?.headers["content-type"];
      if (type === "application/recordio" && records?.isTorn === true) {
        // The agent that answered is lost: its client is not to take that for the end. What came
        // before still goes out, some of it with this turn's end.
        setImmediate(() => response.socket?.destroySoon());
        return;
      }
      if (records !== undefined) write(records.end());
      response.end();
    });
  }

  refuse(refusal: Refusal): void {
    const { response, lingerMs } = this.#options;
    this.#refused = true;
    clearTimeout(this.#retryTimer);
    this.#outgoing?.destroy();
    this.#outgoing = undefined;
    refuse(response, refusal, lingerMs);
    this.#markAnswered();
  }

  /** The client of a stream has gone, while the master was still there. */
  #tellHangUp(incoming: IncomingMessage | undefined): void {
    if (incoming === undefined || incoming.destroyed || incoming.complete) return;
    for (const header of ["Mesos-Stream-Id", "Rimrock-Call-Name"] as const) {
      const value = incoming.headers[header.toLowerCase()];
      if (typeof value === "string") this.#options.upstream.hungUp({ header, value });
    }
  }

  #markAnswered(): void {
    this.#answered = true;
    this.#answeredListener?.();
    this.#answeredListener = undefined;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#retryTimer);
    const outgoing = this.#outgoing;
    const whole = this.#options.response.writableFinished && outgoing?.writableFinished === true;
    // A whole exchange gave its connection back for reuse already. A request that has reached
    // workerd whole gets its answer first: workerd never tells the master that a client went away
    // before it.
    const isAwaited = outgoing?.writableFinished === true && !this.#answered;
    if (!whole && !isAwaited && outgoing !== undefined) {
      this.#tellHangUp(this.#incoming);
      reset(outgoing);
    }
    this.#options.request.resume();
    this.#endedListener?.();
  }
}

/**
 * workerd learns that nobody reads a stream any more from a write that fails. After a reset that is
 * its next one, the next heartbeat at the latest; after an orderly end, the one after that.
 */
function reset(outgoing: ClientRequest): void {
  if (outgoing.destroyed) return;
  outgoing.socket?.resetAndDestroy();
  outgoing.destroy();
}
