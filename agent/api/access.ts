/**
 * Who may ask: a page in a browser that got this agent's port under a name of its own (DNS
 * rebinding), or another site's page, may not; and without --insecure-local only who can read the
 * token's file.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { errnoOf } from "../shell/errno.ts";
import { writeWholeFile } from "../shell/whole-file.ts";
import { type Answer, fromAnotherSite, strangeHost, tokenMissing } from "./respond.ts";

export interface Access {
  /** Hosts that the agent goes by, with its port, in small letters. */
  readonly hosts: ReadonlySet<string>;
  /** Undefined: whoever is on this machine may ask. */
  readonly token: Token | undefined;
}

export interface Token {
  readonly text: string;
  readonly path: string;
}

/** What probes may ask without a token, as in Mesos; and executors have tokens of their own. */
const OPEN_PATHS: readonly string[] = ["/health", "/version", "/api/v1/executor"];

export function hostsOf(port: number, names: readonly string[]): ReadonlySet<string> {
  const all = [...names, "localhost", "127.0.0.1", "[::1]"];
  // A port of 80 is left out by clients.
  const texts = all.flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  return new Set(texts.map((text) => text.toLowerCase()));
}

/** The answer to who may not. `path`: as routed. */
export function refusal(
  { hosts, token }: Access,
  { path, headers }: { readonly path: string; readonly headers: IncomingHttpHeaders },
): Answer | undefined {
  if (!hosts.has((headers.host ?? "").toLowerCase())) return strangeHost(headers.host);
  if (isOfAnotherPage(hosts, headers)) return fromAnotherSite();
  if (token === undefined || OPEN_PATHS.includes(path)) return undefined;
  const given = /^Bearer ([^ ]+)$/i.exec(headers.authorization ?? "")?.[1];
  return given !== undefined && isSame(given, token.text) ? undefined : tokenMissing(token.path);
}

/**
 * To a browser another port of this machine is the same site, and with JSONP its pages could read.
 * Browsers say where a page is from in the one header or the other; programs in neither.
 */
function isOfAnotherPage(hosts: ReadonlySet<string>, headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  if (site === "cross-site" || site === "same-site") return true;
  const origin = /^https?:\/\/(.*)$/.exec(headers.origin?.toLowerCase() ?? "");
  // What is no address is a file, or a page that hides where it is from: `null`.
  return headers.origin !== undefined && !hosts.has(origin?.[1] ?? "");
}

/** The token of this work directory; made with the first start. The error is a sentence. */
export function readToken(workDirectory: string): Result<Token, string> {
  const path = join(workDirectory, "api-token");
  try {
    const text = readOrMake(path);
    chmodSync(path, 0o600);
    if (/^[\x21-\x7e]{16,}$/.test(text)) return ok({ text, path });
    return err(
      `${path} does not hold a token of 16 characters or more; remove it, and a new one is made`,
    );
  } catch (cause) {
    return err(`cannot use the file of the API's token, ${path}: ${errnoOf(cause)}`);
  }
}

function readOrMake(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
  }
  const text = randomBytes(32).toString("base64url");
  writeWholeFile(path, `${text}\n`);
  return text;
}

/** Takes the same time wherever they differ. */
function isSame(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => createHash("sha256").update(text).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}
