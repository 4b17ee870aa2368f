/**
 * The SDK's transport over `fetch`, and over node:http where `fetch` would go past the proxy or not
 * know the certificates: Node's follows neither.
 */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { httpTransport, type Transport } from "../../worker/sdk/transport.ts";
import { Outward, proxyFor } from "./outward.ts";

/** `certificates`: PEM, trusted besides the public ones. */
export function outwardTransport(certificates?: string): Transport {
  const direct = httpTransport();
  const outward = new Outward({ certificates, keepAlive: true });
  return {
    send: (request, signal) => {
      const url = new URL(request.url);
      const needsNode = proxyFor(url) !== undefined || certificates !== undefined;
      return needsNode ? sendByNode(request, signal, outward) : direct.send(request, signal);
    },
  };
}

function sendByNode(request: Request, signal: AbortSignal, outward: Outward): Promise<Response> {
  const url = new URL(request.url);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(request.headers);
    const { method } = request;
    const sent = send(url, { method, headers, signal, agent: outward.agentFor(url) });
    sent.once("error", reject);
    sent.once("response", (response) => resolve(responseOf(response, method)));
    if (request.body === null) {
      sent.end();
      return;
    }
    // The same streams; Node's types and the platform's name them differently.
    const body = Readable.fromWeb(request.body as NodeReadableStream);
    body.once("error", (cause) => sent.destroy(cause));
    body.pipe(sent);
  });
}

function responseOf(answer: IncomingMessage, method: string): Response {
  const headers = new Headers();
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    headers.append(answer.rawHeaders[at] ?? "", answer.rawHeaders[at + 1] ?? "");
  }
  const status = answer.statusCode ?? 0;
  const isBare = method === "HEAD" || status === 204 || status === 304;
  if (isBare) answer.resume();
  // As above.
  const body = isBare ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
  return new Response(body, { status, statusText: answer.statusMessage ?? "", headers });
}
