/**
 * Whether a page of somewhere else made a request, in a browser that can reach this port: one
 * that sends a form here, or one whose name was pointed at this machine after it was loaded (DNS
 * rebinding). Nothing is asked of whoever reaches the local cluster, so this is what keeps the web
 * from running tasks on a developer's machine. Programs send none of what is looked at.
 */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";

export function isFromForeignPage({ headers, socket }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  if (site === "cross-site" || site === "same-site") return true;
  const isBrowser = headers["user-agent"]?.startsWith("Mozilla/") === true;
  const { host = "", origin } = headers;
  if (origin === undefined && !isBrowser) return false;
  // What is no address is a file, or a page that hides where it is from: `null`.
  const from = /^https?:\/\/(.+)$/.exec(origin ?? "")?.[1];
  if (origin !== undefined && from?.toLowerCase() !== host.toLowerCase()) return true;
  // By which names other machines know this one is not known here.
  return isLoopback(socket.localAddress ?? "") && !isOwnName(host);
}

/** An address names nobody else; neither does a name that browsers resolve themselves. */
function isOwnName(host: string): boolean {
  const name = host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  if (isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost")) return true;
  return name === hostname().toLowerCase();
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}
