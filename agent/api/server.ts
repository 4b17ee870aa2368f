/**
 * The agent's HTTP server on its machine.
 *
 * 1. An idle connection is never closed by this side: clients of Mesos keep theirs for minutes
 * (client-requirements 2). 2. Every request passes `access.ts` before anything else is looked at.
 * 3. A request changes nothing of the agent's but how much it logs.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { unreachable } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { acceptsGzip, GZIP_LEAST_BYTES } from "../shell/accepts-gzip.ts";
import { errnoOf } from "../shell/errno.ts";
import type { Log } from "../shell/log.ts";
import { type Access, refusal } from "./access.ts";
import { answerCallRequest } from "./call-request.ts";
import { answerExecutor, type ExecutorDoor } from "./executor-request.ts";
import { type Download, download, type Query } from "./file-routes.ts";
import type { Answer, StreamAnswer } from "./respond.ts";
import * as respond from "./respond.ts";
import { ALWAYS_SERVED, type Route, routeOf } from "./routes.ts";
import type { AgentView } from "./view.ts";

/** The port is taken before there is anything to serve: the agent has to advertise it. */
export interface Listener {
  readonly port: number;
  serve(view: AgentView, options: ServeOptions): void;
  close(): void;
}

export interface ServeOptions {
  readonly access: Access;
  readonly log: Log;
  readonly executors: ExecutorDoor;
}

/** `port` 0: any that is free. The error is the errno. */
export async function listen(address: {
  readonly host: string;
  readonly port: number;
}): Promise<Result<Listener, string>> {
  // What comes before `serve` waits for it.
  const waiting: [IncomingMessage, ServerResponse][] = [];
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    waiting.push([request, response]);
  });
  try {
    await listening(server, address);
  } catch (cause) {
    return err(errnoOf(cause));
  }
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return ok({
    port,
    serve: (view, options) => {
      const handle = (request: IncomingMessage, response: ServerResponse): void =>
        void serveRequest(view, options, { request, response });
      server.removeAllListeners("request");
      server.on("request", handle);
      for (const [request, response] of waiting.splice(0)) handle(request, response);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
}

function listening(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function serveRequest(
  view: AgentView,
  { access, log, executors }: ServeOptions,
  { request, response }: Exchange,
): Promise<void> {
  const { method = "GET", url = "/" } = request;
  if (view.verbosity.level > 0) log(`${method} ${url.split("?")[0]}`);
  try {
    const signal = signalOf(response);
    const answer = await answerTo(view, access, { request, signal, executors });
    if ("open" in answer) await sendFile(answer, { request, response });
    else if ("pieces" in answer) await sendStream(answer, { request, response });
    else await send(answer, { request, response });
  } catch (cause) {
    // The other side may be gone, which is its own affair.
    if (response.destroyed || (request.destroyed && !request.complete)) return;
    log(`the API failed at ${method} ${url.split("?")[0]}: ${cause}`);
    if (response.headersSent) response.destroy();
    else await send(respond.failed(), { request, response }).catch(() => response.destroy());
  }
}

type AnyAnswer = Answer | Download | StreamAnswer;

interface Asked {
  readonly request: IncomingMessage;
  readonly query: Query;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  readonly executors: ExecutorDoor;
}

/** Aborts when the connection is closed before the answer has ended. */
function signalOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  return gone.signal;
}

async function answerTo(
  view: AgentView,
  access: Access,
  { request, signal, executors }: Pick<Asked, "request" | "signal" | "executors">,
): Promise<AnyAnswer> {
  const [pathname = "/", search = ""] = splitUrl(request.url ?? "/");
  const found = routeOf(pathname);
  const path = found?.path ?? pathname;
  const refused = refusal(access, { path, headers: request.headers });
  if (refused !== undefined) return refused;
  if (found === undefined) return respond.notFound(pathname);
  const isRecovering = view.counters.recoverySeconds === undefined;
  if (isRecovering && !ALWAYS_SERVED.includes(path)) return respond.recovering();
  const query = new URLSearchParams(search);
  return await answerRoute(view, found.route, { request, query, signal, executors });
}

/** A request may name the whole URL, as to a proxy. */
function splitUrl(url: string): readonly [string, string] {
  const rest = url.replace(/^https?:\/\/[^/?#]*/i, "");
  const at = rest.search(/[?#]/);
  if (at < 0) return [rest, ""];
  return [rest.slice(0, at), rest[at] === "?" ? rest.slice(at + 1).replace(/#.*$/, "") : ""];
}

async function answerRoute(
  view: AgentView,
  route: Route,
  { request, query, signal, executors }: Asked,
): Promise<AnyAnswer> {
  switch (route.kind) {
    case "EXECUTOR": {
      const { method = "GET", headers } = request;
      const body = request.iterator({ destroyOnReturn: false });
      return await answerExecutor(executors, { method, headers, body, signal });
    }
    case "CALLS":
      return await answerHttpCall(view, request, signal);
    case "DOCUMENT": {
      const made = await route.make(view, query);
      const isDocument = typeof made === "string" || made instanceof Uint8Array;
      return isDocument ? documentAnswer(made, query.get("jsonp")) : made;
    }
    case "DOWNLOAD":
      return await download(view, query);
    case "PLAIN":
      return route.answer;
    default:
      return unreachable(route);
  }
}

/** What a page can define as a callback, and nothing that could be a script. */
const CALLBACK = /^[\w$][\w$.[\]]{0,99}$/;

function documentAnswer(json: string | Uint8Array, callback: string | null): Answer {
  if (callback === null) return respond.jsonAnswer(json);
  if (!CALLBACK.test(callback)) return respond.badCallback();
  const body = Buffer.concat([Buffer.from(`${callback}(`), Buffer.from(json), Buffer.from(")")]);
  return { status: 200, headers: { "Content-Type": "text/javascript" }, body };
}

async function answerHttpCall(
  view: AgentView,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer | StreamAnswer> {
  const { method = "GET", headers } = request;
  if (method !== "POST") return respond.methodNotAllowed(method, "POST");
  return await answerCallRequest(view, {
    headers: {
      contentType: headers["content-type"],
      messageContentType: textOf(headers["message-content-type"]),
      accept: headers.accept,
      messageAccept: textOf(headers["message-accept"]),
    },
    // An answer still goes out after the reading has stopped.
    body: request.iterator({ destroyOnReturn: false }),
    signal,
  });
}

/** Of a header that Node does not know: several are joined as those that it knows. */
function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" || header === undefined ? header : header.join(", ");
}

const compress = promisify(gzip);

async function send(answer: Answer, { request, response }: Exchange): Promise<void> {
  const plain = Buffer.from(answer.body);
  const isGzipped =
    answer.status === 200 &&
    plain.length >= GZIP_LEAST_BYTES &&
    acceptsGzip(request.headers["accept-encoding"]);
  const body = isGzipped ? await compress(plain) : plain;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(isGzipped && { "Content-Encoding": "gzip" }),
    "Content-Length": body.length,
  });
  response.end(body);
}

/** One write for each piece, and none before the client has room for it. */
async function sendStream(
  { status, headers, pieces }: StreamAnswer,
  { response }: Exchange,
): Promise<void> {
  response.writeHead(status, headers);
  response.flushHeaders();
  const gone = new AbortController();
  const close = (): void => gone.abort();
  response.once("close", close);
  if (response.destroyed) close();
  for await (const piece of pieces(gone.signal)) {
    if (!response.write(piece)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off("drain", go);
      response.off("close", go);
      resolve();
    };
    response.on("drain", go);
    response.on("close", go);
    if (response.destroyed) go();
  });
}

/** As long as it was when it was opened: a file that grows would have no end. */
async function sendFile(
  { headers, open }: Download,
  { request, response }: Exchange,
): Promise<void> {
  const { file, size } = open.value;
  response.writeHead(200, { ...headers, "Content-Length": String(size) });
  if (size === 0n || request.method === "HEAD") {
    await file.close();
    response.end();
    return;
  }
  const content = file.createReadStream({ start: 0, end: Number(size) - 1 });
  await pipeline(content, response);
  // Its task has cut it meanwhile: the client must not wait for the rest.
  if (content.bytesRead < size) request.socket.destroy();
}
