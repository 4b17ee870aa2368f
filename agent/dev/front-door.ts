/**
 * The front door: a reverse proxy between Mesos clients and workerd on the same machine.
 *
 * workerd closes a connection that was idle for 5 s, cuts event streams at buffer edges, and is not
 * there for a moment while it restarts; clients written for Mesos survive none of that. What a
 * client sees here:
 *
 * 1. A connection is never closed for being idle.
 * 2. An event stream arrives unbuffered, one RecordIO record per HTTP chunk.
 * 3. Header names and values pass as they were written, Host and X-Forwarded-* too; hop-by-hop ones
 * do not.
 * 4. Pipelined requests reach workerd in order: the next one when the one before has its response
 * head.
 * 5. A slow reader slows workerd down; memory here is bounded by socket buffers and one record.
 * 6. A client that goes away ends its request to workerd at once; a response that breaks off in
 *    workerd breaks off at the client.
 * 7. While workerd is away, requests of which nothing was sent wait a moment, then get 503.
 * 8. A request that has begun arrives within a bounded time, or is refused with 408; one that is
 *    malformed or too large gets its 4xx after the answers to those before it. Only a body that
 *    says to be a stream of records is what somebody types: it takes as long as it will.
 * 9. Of requests that a client sends ahead only some are taken in; the rest wait in its socket.
 *
 * It knows nothing of Mesos but the shape of a RecordIO length.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Exchange, isEndless, startExchange } from "./front-door-exchange.ts";
import { endConnection, refuse, refuseTunnel, TOO_SLOW } from "./front-door-refusal.ts";
import type { Upstream } from "./front-door-upstream.ts";

export interface FrontDoorOptions {
  readonly upstream: Upstream;
  /** Bytes of one request's body. */
  readonly maxRequestBytes: number;
  /** Bytes of one record that is put together into one chunk; larger ones pass in pieces. */
  readonly maxRecordBytes: number;
  /** How long a request waits for a workerd that does not accept connections: ms. */
  readonly unavailableWaitMs: number;
  /** From the first byte of a request to the end of its head: ms. */
  readonly headTimeoutMs: number;
  /** From the first byte of a request to the last one of its body: ms. */
  readonly requestTimeoutMs: number;
  /** How long the rest of a body that is refused is read and thrown away: ms. */
  readonly lingerMs: number;
}

/** How often requests are looked at that take too long, ms. */
const TIMEOUT_GRAIN_MS = 5_000;

/** Requests of one connection that wait for their turn before it is not read any further. */
const REQUESTS_AHEAD = 64;

/** How often the kernel asks a silent client whether it still exists; never closes a live one. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** A server that does not listen yet. */
export function createFrontDoor(options: FrontDoorOptions): Server {
  const { headTimeoutMs, requestTimeoutMs } = options;
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    keepAliveTimeout: 0,
    headersTimeout: headTimeoutMs,
    // Node's own knows no request that may take as long as it likes.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(TIMEOUT_GRAIN_MS, headTimeoutMs),
  });
  server.timeout = 0;
  // Their number is bounded by the bytes of a head; Node would leave out the rest without a word.
  server.maxHeadersCount = 0;
  const lanes = new WeakMap<Duplex, Lane>();
  server.on("connection", (socket) => lanes.set(socket, openLane(socket, options)));
  const accept = (request: IncomingMessage, response: ServerResponse): void => {
    const lane = lanes.get(request.socket);
    if (lane === undefined) throw new Error("a request arrived on a connection that never opened");
    if (!isEndless(request)) watchBody(request, lane, requestTimeoutMs);
    lane.enter(() => startExchange({ request, response, ...options }));
  };
  server.on("request", accept);
  server.on("checkContinue", (request, response) => {
    const tooLarge = Number(request.headers["content-length"]) > options.maxRequestBytes;
    if (!tooLarge) response.writeContinue();
    accept(request, response);
  });
  server.on("checkExpectation", (_request, response) =>
    refuse(response, "EXPECTATION_UNKNOWN", options.lingerMs),
  );
  server.on("connect", (_request, socket) => refuseTunnel(socket));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // Node counts a connection on which nothing was ever sent against the timeout of a head, once;
    // clients exist that open theirs long before the first call.
    if (error.code === TOO_SLOW && "bytesRead" in socket && socket.bytesRead === 0) return;
    if (error.code === "ECONNRESET") socket.destroy();
    else lanes.get(socket)?.fail(error);
  });
  return server;
}

/** Fails the lane when the body of a request has not come in time. */
function watchBody(request: IncomingMessage, lane: Lane, timeoutMs: number): void {
  const timer = setTimeout(() => {
    if (!request.complete) lane.fail(Object.assign(new Error("too slow"), { code: TOO_SLOW }));
  }, timeoutMs);
  timer.unref();
  const done = (): void => clearTimeout(timer);
  request.once("end", done);
  request.once("close", done);
}

/** The exchanges of one connection: started in order, all ended when the client goes. */
interface Lane {
  enter(start: () => Exchange): void;
  /** What comes next on the connection cannot be understood, or does not come. */
  fail(error: NodeJS.ErrnoException): void;
}

function openLane(socket: Socket, { lingerMs }: FrontDoorOptions): Lane {
  const live = new Set<Exchange>();
  let waiting: (() => Exchange)[] = [];
  let last: Exchange | undefined;
  let failure: NodeJS.ErrnoException | undefined;
  let settling = false;
  let ended = false;
  const holdBack = (): void => {
    if (waiting.length > REQUESTS_AHEAD) socket.pause();
  };
  const run = (start: () => Exchange): void => {
    const exchange = start();
    last = exchange;
    live.add(exchange);
    exchange.onEnded(() => {
      live.delete(exchange);
      settle();
    });
    exchange.onAnswered(() => {
      last = undefined;
      settle();
    });
  };
  const runWaiting = (): void => {
    while (last === undefined) {
      const next = waiting.shift();
      if (next === undefined) return;
      run(next);
      if (waiting.length === REQUESTS_AHEAD) socket.resume();
    }
  };
  const settle = (): void => {
    // An exchange may be answered while it is started.
    if (settling) return;
    settling = true;
    runWaiting();
    settling = false;
    if (failure === undefined || waiting.length > 0) return;
    if (last === undefined) {
      if (live.size === 0 && !ended) endConnection(failure, socket, lingerMs);
      ended ||= live.size === 0;
    } else if (!last.isReceived) {
      // Only the newest request can lack a part of its body.
      last.refuse(failure.code === TOO_SLOW ? "BODY_TOO_SLOW" : "BODY_MALFORMED");
    }
  };
  // Node resumes a socket for reasons of its own as well.
  socket.on("resume", holdBack);
  socket.on("close", () => {
    waiting = [];
    for (const exchange of live) exchange.abandon();
  });
  return {
    enter: (start) => {
      waiting.push(start);
      settle();
      holdBack();
    },
    fail: (error) => {
      failure ??= error;
      settle();
    },
  };
}
