/**
 * The head of a request as workerd takes it: a path, and exactly one well-formed Host. What
 * HTTP/1.1 allows beyond that is rewritten, and what it forbids is refused here, because workerd
 * answers both with a bare 500.
 */
import type { IncomingMessage } from "node:http";
import { isFromForeignPage } from "./front-door-page.ts";
import type { Refusal } from "./front-door-refusal.ts";

export type RequestHead =
  | {
      readonly kind: "HEAD";
      readonly path: string;
      /** Names and values by turns: what this connection does not keep for itself. */
      readonly headers: readonly string[];
    }
  | { readonly kind: "REFUSED"; readonly refusal: Refusal };

/** RFC 9110 section 7.6.1 and what Node's parser or this proxy has dealt with already. */
const HOP_BY_HOP = new Set([
  "connection",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Characters that Node's parser lets pass in a few places, and that its client throws on. */
const NOT_IN_PATHS = /[^\x21-\xff]/;

/** A name, an IPv4 or a bracketed IPv6 address, and perhaps a port. */
const HOST = /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{0,5})?$/;

/** RFC 9112 section 3.2.2: an absolute target counts as its path, and its host as the Host. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;

export function headOf(request: IncomingMessage): RequestHead {
  const absolute = ABSOLUTE.exec(request.url ?? "");
  const target = absolute === null ? (request.url ?? "") : (absolute[2] ?? "");
  const path = absolute !== null && !target.startsWith("/") ? `/${target}` : target;
  if (!path.startsWith("/") || NOT_IN_PATHS.test(path)) {
    return { kind: "REFUSED", refusal: "TARGET_MALFORMED" };
  }
  const headers = endToEnd(request.rawHeaders);
  const hosts = valuesOf(headers, "host");
  // HTTP/1.0 knows no Host; the parser has refused an HTTP/1.1 request without one.
  if (hosts.length === 0) headers.push("Host", localHost(request));
  const host = absolute?.[1] ?? hosts[0];
  if (hosts.length > 1 || (host !== undefined && !HOST.test(host))) {
    return { kind: "REFUSED", refusal: "HOST_MALFORMED" };
  }
  if (isFromForeignPage(request)) return { kind: "REFUSED", refusal: "PAGE_FOREIGN" };
  if (absolute === null || host === undefined) return { kind: "HEAD", path, headers };
  return { kind: "HEAD", path, headers: [...withoutHeader(headers, "host"), "Host", host] };
}

/** Names and values by turns, without those that concern one connection only. */
export function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    const value = rawHeaders[at + 1];
    if (name === undefined || value === undefined || HOP_BY_HOP.has(name.toLowerCase())) continue;
    kept.push(name, value);
  }
  return kept;
}

/** Names and values by turns, without `name` (in lower case). */
export function withoutHeader(headers: readonly string[], name: string): string[] {
  return headers.filter((_, at) => headers[at - (at % 2)]?.toLowerCase() !== name);
}

function valuesOf(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === name);
}

function localHost({ socket }: IncomingMessage): string {
  const { localAddress = "127.0.0.1", localPort = 80 } = socket;
  return localAddress.includes(":")
    ? `[${localAddress}]:${localPort}`
    : `${localAddress}:${localPort}`;
}
