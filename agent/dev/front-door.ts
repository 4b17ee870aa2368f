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
 *
 * It knows nothing of Mesos but the shape of a RecordIO length.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Exchange, startExchange } from "./front-door-exchange.ts";
import { endConnection, refuse } from "./front-door-refusal.ts";
import type { Upstream } from "./front-door-upstream.ts";

export interface FrontDoorOptions {
  readonly upstream: Upstream;
  /** Bytes of one request's body. */
  readonly maxRequestBytes: number;
  /** Bytes of one record that is put together into one chunk; larger ones pass in pieces. */
  readonly maxRecordBytes: number;
  /** How long a request waits for a workerd that does not accept connections: ms. */
  readonly unavailableWaitMs: number;
}

/** How often the kernel asks a silent client whether it still exists; never closes a live one. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** A server that does not listen yet. */
export function createFrontDoor(options: FrontDoorOptions): Server {
  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    keepAliveTimeout: 0,
    // Node counts a connection on which nothing was ever sent against this one, and clients exist
    // that open theirs long before the first call.
    headersTimeout: 0,
    requestTimeout: 0,
  });
  server.timeout = 0;
  const lanes = new WeakMap<Socket, Lane>();
  server.on("connection", (socket) => lanes.set(socket, openLane(socket)));
  const accept = (request: IncomingMessage, response: ServerResponse): void => {
    const start = (): Exchange => startExchange({ request, response, ...options });
    const lane = lanes.get(request.socket);
    if (lane === undefined) throw new Error("a request arrived on a connection that never opened");
    lane.enter(start);
  };
  server.on("request", accept);
  server.on("checkContinue", (request, response) => {
    const tooLarge = Number(request.headers["content-length"]) > options.maxRequestBytes;
    if (!tooLarge) response.writeContinue();
    accept(request, response);
  });
  server.on("checkExpectation", (_request, response) => refuse(response, "EXPECTATION_UNKNOWN"));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => endConnection(error, socket));
  return server;
}

/** The exchanges of one connection: started in order, all ended when the client goes. */
interface Lane {
  enter(start: () => Exchange): void;
}

function openLane(socket: Socket): Lane {
  const live = new Set<Exchange>();
  let waiting: (() => Exchange)[] = [];
  let busy = false;
  const run = (start: () => Exchange): void => {
    busy = true;
    const exchange = start();
    live.add(exchange);
    exchange.onAnswered(() => {
      busy = false;
      const next = waiting.shift();
      if (next !== undefined) run(next);
    });
    exchange.onEnded(() => live.delete(exchange));
  };
  socket.on("close", () => {
    waiting = [];
    for (const exchange of live) exchange.abandon();
  });
  return {
    enter: (start) => {
      if (busy) waiting.push(start);
      else run(start);
    },
  };
}
