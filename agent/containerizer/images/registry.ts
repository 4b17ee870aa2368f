/**
 * A registry of images, by the distribution protocol. Whoever it is asked as, a token is fetched
 * for when it wants one. Nothing is believed before its digest is right.
 *
 * 1. A registry's password goes to nobody but the registry and whom it names for tokens, and never
 * over a plain connection where the registry itself has a safe one.
 * 2. What breaks off is asked for again from where it broke off, a bounded number of times.
 *
 * Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
 * https://distribution.github.io/distribution/spec/auth/token/
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { listOf, objectOf, text } from "../docker/engine.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import { type Descriptor, MANIFEST_TYPES, parseJson } from "./manifest.ts";
import type { ImageOutward } from "./outward.ts";

/** What `docker login` has written of a registry. */
export interface RegistryLogin {
  readonly username?: string;
  readonly password?: string;
  /** To get tokens with. */
  readonly identityToken?: string;
  /** A token itself. */
  readonly registryToken?: string;
}

export interface RegistryOptions {
  /** Like https://registry-1.docker.io, without a path. */
  readonly url: URL;
  /** Like "library/debian". */
  readonly repository: string;
  readonly login: RegistryLogin | undefined;
  readonly outward: ImageOutward;
  readonly signal: AbortSignal;
  /** Longest time without a byte. */
  readonly stallMs: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
  readonly url: URL;
}

const TEXT_BYTES_MAX = 4 * 1_048_576;
const REDIRECTS_MAX = 5;
const TRIES = 4;
const PAUSE_MS = 500;
const USER_AGENT = "rimrock-agent";

/** The errors are clauses. */
export class Registry {
  readonly #options: RegistryOptions;
  /** Of the header `authorization`. */
  #authorization: string | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    const token = options.login?.registryToken;
    if (token !== undefined) this.#authorization = `Bearer ${token}`;
  }

  /** `version`: a tag or a digest. */
  async manifest(version: string): Promise<Result<{ content: string; digest: string }, string>> {
    const read = await this.#text(`manifests/${version}`, MANIFEST_TYPES.join(", "));
    if (!read.ok) return read;
    const digest = `sha256:${createHash("sha256").update(read.value).digest("hex")}`;
    if (version.includes(":") && version !== digest) return err(wrongDigest(version, digest));
    return ok({ content: read.value.toString("utf8"), digest });
  }

  /** A small one. */
  async config({ digest }: Descriptor): Promise<Result<string, string>> {
    const read = await this.#text(`blobs/${digest}`, "*/*");
    if (!read.ok) return read;
    const found = `sha256:${createHash("sha256").update(read.value).digest("hex")}`;
    return found === digest ? ok(read.value.toString("utf8")) : err(wrongDigest(digest, found));
  }

  /** Into an empty file. */
  async blob(
    { digest, size }: Descriptor,
    file: FileHandle,
    progress: (bytes: number) => void,
  ): Promise<Result<void, string>> {
    const hash = createHash("sha256");
    let bytes = 0;
    for (let failures = 0; ; failures++) {
      const answer = await this.#ask(`blobs/${digest}`, {
        accept: "*/*",
        ...(bytes > 0 && { range: `bytes=${bytes}-` }),
      });
      if (!answer.ok) return answer;
      const { body, status } = answer.value;
      if (status !== 200 && status !== 206) return await this.#refused(answer.value);
      // Who does not know of ranges begins anew; what has come by now is skipped.
      let skipped = status === 206 ? bytes : 0;
      try {
        for await (const chunk of body) {
          const fresh = chunk.subarray(Math.min(bytes - skipped, chunk.length));
          skipped += chunk.length - fresh.length;
          if (fresh.length === 0) continue;
          if (bytes + fresh.length > size) return err(`it has more than its ${size} bytes`);
          await file.appendFile(fresh);
          hash.update(fresh);
          bytes += fresh.length;
          skipped = bytes;
          progress(fresh.length);
        }
      } catch (cause) {
        const why = whyFailed(cause);
        if (why.startsWith("ENOSPC") || failures >= TRIES || this.#options.signal.aborted) {
          return err(why);
        }
        await this.#pause(failures);
        continue;
      }
      if (bytes >= size || failures >= TRIES) break;
    }
    const found = `sha256:${hash.digest("hex")}`;
    return found === digest ? ok(undefined) : err(wrongDigest(digest, found));
  }

  async #text(path: string, accept: string): Promise<Result<Buffer, string>> {
    const answer = await this.#ask(path, { accept });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) return await this.#refused(answer.value);
    return await readAll(answer.value.body);
  }

  /** With a token where one is wanted, and patience where it is asked for. */
  async #ask(
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<Answer, string>> {
    const { url, repository } = this.#options;
    const target = new URL(`/v2/${repository}/${path}`, url);
    let isKnown = false;
    for (let tries = 1; ; tries++) {
      const answer = await this.#follow(target, headers);
      const isLast = tries >= TRIES || this.#options.signal.aborted;
      if (!answer.ok) {
        if (isLast) return answer;
        await this.#pause(tries);
        continue;
      }
      const { status } = answer.value;
      if (status === 401 && !isKnown) {
        isKnown = true;
        const said = await this.#introduce(answer.value);
        if (!said.ok) return said;
        if (said.value) continue;
        return answer;
      }
      if (isLast || (status < 500 && status !== 429)) return answer;
      answer.value.body.destroy();
      await this.#pause(tries, answer.value.headers["retry-after"]);
    }
  }

  async #follow(
    from: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<Answer, string>> {
    let url = from;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      // A store that it is redirected to has its own way of knowing, in the URL.
      const isOwn = url.host === from.host && url.protocol === from.protocol;
      const authorization = isOwn ? this.#authorization : undefined;
      const sent = { ...headers, ...(authorization !== undefined && { authorization }) };
      const answer = await this.#send(url, { method: "GET", headers: sent });
      if (!answer.ok) return answer;
      const { status, body } = answer.value;
      const { location } = answer.value.headers;
      if (status < 300 || status >= 400 || location === undefined) return answer;
      body.destroy();
      if (!URL.canParse(location, url.href))
        return err(`it is redirected to '${location}', no URL`);
      const next = new URL(location, url);
      if (next.protocol !== "https:" && next.protocol !== from.protocol) {
        return err(`its registry redirects to ${next.protocol}//${next.host}, which is not safe`);
      }
      url = next;
    }
    return err(`its registry redirected more than ${REDIRECTS_MAX} times`);
  }

  #send(
    url: URL,
    sent: {
      readonly method: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: string;
    },
  ): Promise<Result<Answer, string>> {
    const { outward, signal, stallMs } = this.#options;
    const { method } = sent;
    const ask = url.protocol === "https:" ? httpsRequest : httpRequest;
    const headers = { "user-agent": USER_AGENT, "accept-encoding": "identity", ...sent.headers };
    return new Promise((resolve) => {
      const options = { method, headers, signal, agent: outward.agentFor(url), timeout: stallMs };
      const asked = ask(url, options);
      const seconds = Math.round(stallMs / 1_000);
      asked.once("timeout", () => {
        asked.destroy(new Error(`not a byte came from ${url.host} for ${seconds} s`));
      });
      asked.on("error", (cause) => resolve(err(`${url.host}: ${whyFailed(cause)}`)));
      asked.once("response", (body) => {
        const { statusCode: status = 0, headers: got } = body;
        // Whoever reads it is told; nobody may do so.
        body.on("error", () => {});
        resolve(ok({ status, headers: got, body, url }));
      });
      asked.end(sent.body);
    });
  }

  /** True: another try may be let in. */
  async #introduce(answer: Answer): Promise<Result<boolean, string>> {
    const challenge = parseChallenge(answer.headers["www-authenticate"]);
    const { login } = this.#options;
    if (challenge === undefined) return ok(false);
    answer.body.destroy();
    if (challenge.scheme === "basic") {
      const basic = basicOf(login);
      if (basic === undefined) return err(this.#unknown());
      this.#authorization = basic;
      return ok(true);
    }
    const token = await this.#token(challenge);
    if (!token.ok) return token;
    this.#authorization = `Bearer ${token.value}`;
    return ok(true);
  }

  async #token(challenge: Challenge): Promise<Result<string, string>> {
    const { url, repository, login } = this.#options;
    const { realm = "", service, scope = `repository:${repository}:pull` } = challenge.parameters;
    if (!URL.canParse(realm)) return err("its registry wants a token and does not say from where");
    const from = new URL(realm);
    if (from.protocol !== "https:" && from.protocol !== url.protocol) {
      return err(
        `its registry wants a token from ${from.host} by ${from.protocol}, which is not safe`,
      );
    }
    const identity = login?.identityToken;
    const fields = new URLSearchParams({ ...(service !== undefined && { service }), scope });
    let answer: Result<Answer, string>;
    if (identity === undefined) {
      for (const [name, value] of fields) from.searchParams.append(name, value);
      const authorization = basicOf(login);
      const headers = { ...(authorization !== undefined && { authorization }) };
      answer = await this.#send(from, { method: "GET", headers });
    } else {
      for (const [name, value] of [
        ["grant_type", "refresh_token"],
        ["refresh_token", identity],
        ["client_id", USER_AGENT],
      ] as const) {
        fields.set(name, value);
      }
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      answer = await this.#send(from, { method: "POST", headers, body: fields.toString() });
    }
    if (!answer.ok) return answer;
    if (answer.value.status === 401 || answer.value.status === 403) {
      answer.value.body.destroy();
      return err(this.#unknown());
    }
    const read = await readAll(answer.value.body);
    if (!read.ok) return read;
    const json = parseJson(read.value.toString("utf8"));
    const members = json.ok ? json.value : {};
    const token = text(members.token) ?? text(members.access_token);
    if (answer.value.status !== 200 || token === undefined) {
      return err(`${from.host} gives no token for it (HTTP ${answer.value.status})`);
    }
    return ok(token);
  }

  async #refused(answer: Answer): Promise<Result<never, string>> {
    const { status, url, body } = answer;
    const read = await readAll(body);
    const said = read.ok ? read.value.toString("utf8") : "";
    const json = parseJson(said);
    const first = objectOf(listOf(json.ok ? json.value.errors : [])[0]);
    const message = text(first.message) ?? "";
    const words = message === "" ? "" : ` (${message.slice(0, 200)})`;
    if (status === 401 || status === 403) return err(`${this.#unknown()}${words}`);
    if (status === 404 && text(first.code) === "NAME_UNKNOWN") {
      return err(`${this.#where()} has no repository '${this.#options.repository}'; see its name`);
    }
    if (status === 404) return err(`${this.#where()} has no such image; see its name and tag`);
    if (status === 429) {
      return err(`${url.host} limits pulls${words}; log in to it with --docker-config`);
    }
    return err(`${url.host} answers with HTTP ${status}${words}`);
  }

  #unknown(): string {
    if (this.#options.login === undefined) {
      return (
        `${this.#where()} lets nobody in without credentials, or has no such image; ` +
        "see its name, or give the agent credentials with --docker-config"
      );
    }
    return `${this.#where()} refuses the credentials that this agent has for it`;
  }

  #where(): string {
    return this.#options.url.host;
  }

  async #pause(tries: number, retryAfter?: string): Promise<void> {
    const asked = /^\d{1,2}$/.test(retryAfter ?? "") ? Number(retryAfter) * 1_000 : undefined;
    const ms = asked ?? PAUSE_MS * 2 ** (tries - 1);
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => {});
  }
}

function basicOf(login: RegistryLogin | undefined): string | undefined {
  if (login?.username === undefined || login.password === undefined) return undefined;
  const pair = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  return `Basic ${pair}`;
}

function wrongDigest(wanted: string, found: string): string {
  return `its digest is ${found}, not ${wanted} as it should be; somebody changed it on its way`;
}

async function readAll(body: IncomingMessage): Promise<Result<Buffer, string>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > TEXT_BYTES_MAX) return err(`an answer has more than ${TEXT_BYTES_MAX} bytes`);
      chunks.push(chunk);
    }
    return ok(Buffer.concat(chunks));
  } catch (cause) {
    return err(whyFailed(cause));
  }
}

function whyFailed(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? String(cause.code) : undefined;
  if (code === "ABORT_ERR") return "it was cancelled";
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE") {
    return "the connection broke before its end";
  }
  if (code === "ENOSPC") return "ENOSPC: no space is left for it; free some, or prune images";
  return code ?? cause.message;
}
