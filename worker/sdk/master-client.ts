/**
 * One request to a master: encode, send, follow redirects, bound the wait, and turn every failure
 * into a `SchedulerError`. Knows no call by name and keeps no subscription.
 */
import type { MessageName, Messages } from "../protocol/descriptors.ts";
import { ANSWER_JSON } from "../protocol/limits.ts";
import { decodeJsonWithin, describeDecodeError, encodeJson } from "../protocol/wire/json.ts";
import { codeOfStatus, SchedulerError } from "./error.ts";
import { abortable, type Transport } from "./transport.ts";

/** Mesos redirects once, to the leader; more than this is a circle. */
const REDIRECTS_MAX = 5;

export interface MasterClientOptions {
  /** Base URL, with a path when the cluster is not the only one: "https://host/c/blue". */
  readonly master: string;
  readonly transport: Transport;
  /** The longest wait for an answer's head, and for its body unless it is a stream; ms. */
  readonly callTimeoutMs: number;
}

export interface PostOptions<N extends MessageName> {
  /** Below the base URL: "/api/v1/scheduler". */
  readonly path: string;
  readonly name: N;
  readonly message: Messages[N];
  readonly headers?: Readonly<Record<string, string>>;
  /** POST, unless it is said. */
  readonly method?: "PUT";
}

export interface GetOptions<A extends MessageName> {
  /** Below the base URL, with its parameters: "/audit?limit=5". */
  readonly path: string;
  readonly answer: A;
}

export interface UploadOptions {
  /** Below the base URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReadableStream<Uint8Array>;
}

/** Aborting rejects the call with ABORTED; the master may have got it all the same. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

export class MasterClient {
  readonly #configured: string;
  readonly #transport: Transport;
  readonly #callTimeoutMs: number;
  /** Where the leader was found; differs from the configured URL after a redirect. */
  #leader: string;

  constructor(options: MasterClientOptions) {
    this.#configured = baseUrl(options.master);
    this.#leader = this.#configured;
    this.#transport = options.transport;
    this.#callTimeoutMs = options.callTimeoutMs;
  }

  /** The URL in use, for messages to people. */
  get url(): string {
    return this.#leader;
  }

  /** Starts at the configured master again: the leader of before may be gone. */
  forgetLeader(): void {
    this.#leader = this.#configured;
  }

  /** Sends and expects no body back. Rejects with a `SchedulerError` unless the status is 2xx. */
  async post<N extends MessageName>(post: PostOptions<N>, options: CallOptions): Promise<void> {
    await this.#timed(options.signal, async (signal) => {
      const response = await this.open(post, signal);
      await response.body?.cancel();
    });
  }

  /** Sends and decodes the answer as `answer`. Rejects with a `SchedulerError`. */
  async ask<N extends MessageName, A extends MessageName>(
    post: PostOptions<N> & { readonly answer: A },
    options: CallOptions,
  ): Promise<Messages[A]> {
    return this.#timed(options.signal, async (signal) => {
      const headers = { ...post.headers, Accept: "application/json" };
      return this.#decoded(post, await this.open({ ...post, headers }, signal));
    });
  }

  /** Asks with GET and decodes the answer as `answer`. Rejects with a `SchedulerError`. */
  async get<A extends MessageName>(get: GetOptions<A>, options: CallOptions): Promise<Messages[A]> {
    return this.#timed(options.signal, async (signal) => {
      const headers = { Accept: "application/json" };
      return this.#decoded(get, await this.#follow(get.path, { headers }, signal));
    });
  }

  /** Sends and hands back the 2xx response with its body unread. The caller bounds the wait. */
  async open<N extends MessageName>(post: PostOptions<N>, signal: AbortSignal): Promise<Response> {
    const body = encodeJson(post.name, post.message);
    const headers = { "Content-Type": "application/json", ...post.headers };
    return this.#follow(post.path, { method: post.method ?? "POST", headers, body }, signal);
  }

  /**
   * Streams a body to where the leader was found before; resolves with the 2xx response when the
   * body has ended. A stream cannot be sent twice, so no redirect is followed.
   */
  async upload({ path, headers, body }: UploadOptions, signal: AbortSignal): Promise<Response> {
    const url = `${this.#leader}${path}`;
    // The option is not in every platform's types yet, and without it such a body is refused.
    const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
    return this.#checked(await this.#send(url, init, signal), url);
  }

  async #decoded<A extends MessageName>(
    { path, answer }: GetOptions<A>,
    response: Response,
  ): Promise<Messages[A]> {
    const decoded = decodeJsonWithin(answer, await response.text(), ANSWER_JSON);
    if (decoded.ok) return decoded.value;
    const problem = describeDecodeError(decoded.error);
    throw new SchedulerError(
      "PROTOCOL",
      `${this.#leader}${path} answered something that is no ${answer}: ${problem}`,
    );
  }

  async #follow(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
      const url = `${this.#leader}${path}`;
      const response = await this.#send(url, init, signal);
      const location = redirectTarget(response, url);
      if (location === undefined) return this.#checked(response, url);
      await response.body?.cancel();
      this.#leader = baseUrl(withoutSuffix(location, path));
    }
    const url = this.#configured;
    this.forgetLeader();
    throw new SchedulerError(
      "UNAVAILABLE",
      `${url} redirects in a circle: no master there says that it leads`,
    );
  }

  async #send(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    const send = (redirect: "manual" | "follow"): Promise<Response> =>
      abortable(this.#transport.send(new Request(url, { ...init, redirect }), signal), signal);
    try {
      const response = await send("manual");
      // Browsers hide where a redirect leads behind a status 0; the platform has to follow it by
      // itself.
      return response.status === 0 ? await send("follow") : response;
    } catch (cause) {
      this.forgetLeader();
      throw failure(cause, url, signal);
    }
  }

  async #checked(response: Response, url: string): Promise<Response> {
    if (response.ok) return response;
    const sentence = (await response.text().catch(() => "")).trim();
    const code = codeOfStatus(response.status, sentence);
    const said = sentence === "" ? "" : `: ${sentence.slice(0, 1_000)}`;
    throw new SchedulerError(code, `${url} answered ${response.status}${said}`, {
      status: response.status,
    });
  }

  /** Runs `work` with a signal that aborts with the caller's, or when the time is up. */
  async #timed<T>(
    caller: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const abort = (): void => controller.abort(caller?.reason);
    if (caller?.aborted) abort();
    caller?.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => {
      const seconds = this.#callTimeoutMs / 1_000;
      const message = `${this.#leader} did not answer within ${seconds} s`;
      controller.abort(new SchedulerError("UNAVAILABLE", message));
    }, this.#callTimeoutMs);
    try {
      return await abortable(work(controller.signal), controller.signal);
    } catch (cause) {
      throw failure(cause, this.#leader, caller);
    } finally {
      clearTimeout(timer);
      caller?.removeEventListener("abort", abort);
    }
  }
}

/** What a failed request means: an abort by the caller, our own time limit, or no answer. */
export function failure(
  cause: unknown,
  url: string,
  caller: AbortSignal | undefined,
): SchedulerError {
  if (caller?.aborted) {
    const { reason } = caller;
    if (SchedulerError.is(reason)) return reason;
    return new SchedulerError("ABORTED", `the call to ${url} was aborted`, { cause: reason });
  }
  if (SchedulerError.is(cause)) return cause;
  return new SchedulerError("UNAVAILABLE", `no answer from ${url}: ${causeText(cause)}`, { cause });
}

/** The innermost reason: fetch says "fetch failed" and hides ECONNREFUSED in its cause. */
function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return causeText(error.cause);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error.message === "") return code === "" ? error.name : code;
  return error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}

/** Mesos answers "//host:port/path": the scheme of the request stays. */
function redirectTarget(response: Response, url: string): string | undefined {
  if (response.status !== 307 && response.status !== 308) return undefined;
  const location = response.headers.get("Location");
  return location === null ? undefined : new URL(location, url).href;
}

function withoutSuffix(url: string, suffix: string): string {
  return url.endsWith(suffix) ? url.slice(0, -suffix.length) : url;
}

/** Without a trailing slash, query or fragment. Throws `INVALID_CALL` for what is no http URL. */
function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    const hint = "give one such as http://127.0.0.1:5050";
    throw new SchedulerError("INVALID_CALL", `"${text}" is no master URL: ${hint}`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
