/**
 * A client of the Docker Engine API, over its unix socket. It knows HTTP, JSON and versions, and
 * nothing of containers. Every failure is a value.
 *
 * API: https://docs.docker.com/reference/api/engine/
 */
import { Agent, type IncomingMessage, request } from "node:http";
import type { Duplex } from "node:stream";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import type { DockerError } from "./errors.ts";

/** An answer's body, or one line of it: JSON whose shape the caller looks at. */
export type Json = Readonly<Record<string, unknown>>;

export interface EngineRequest {
  readonly method: "GET" | "POST" | "DELETE" | "HEAD";
  /** With its query: `query` makes one. */
  readonly path: string;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /** What was to be done, like "start the container". */
  readonly operation: string;
  readonly signal?: AbortSignal;
  /** Longest time without a byte; absent: none, as for a stream that may be quiet. */
  readonly idleMs?: number;
}

/** An Engine that takes this long for a plain answer is hung: starting a container is slowest. */
const IDLE_MS = 120_000;
/** An error's text; anything longer is cut. */
const ERROR_BYTES_MAX = 65_536;
/** The newest API that this client was written against, and the oldest that it can do with. */
const API_NEWEST = [1, 47] as const;
const API_OLDEST = [1, 24] as const;

export interface EngineVersion {
  /** Of the Engine, like "20.10.24". */
  readonly engine: string;
  /** Of what starts the containers, as distributions patch it: like "1.1.5+ds1-1+deb12u1". */
  readonly runc: string | undefined;
}

export class Engine {
  readonly socketPath: string;
  // A connection each: one that is kept may be closed by the daemon just when it is used again,
  // and a request like "start" cannot be repeated blindly. To this machine they cost little.
  readonly #agent = new Agent({ keepAlive: false });
  #prefix: string | undefined;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** Asks which API the daemon speaks; every later request is made in that version. */
  async negotiate(): Promise<Result<EngineVersion, DockerError>> {
    this.#prefix = undefined;
    const asked = await this.#json({
      ...{ method: "GET", path: "/version", operation: "tell its version", idleMs: 10_000 },
    });
    if (!asked.ok) return asked;
    const newest = versionOf(asked.value.ApiVersion) ?? API_OLDEST;
    const oldest = versionOf(asked.value.MinAPIVersion) ?? API_OLDEST;
    if (isOlder(newest, API_OLDEST) || isOlder(API_NEWEST, oldest)) {
      const range = `${oldest.join(".")} to ${newest.join(".")}`;
      const why = `The Docker daemon at ${this.socketPath} speaks API ${range}, this agent ${API_OLDEST.join(".")} to ${API_NEWEST.join(".")}`;
      return err({ code: "DOCKER_VERSION", why });
    }
    const used = isOlder(newest, API_NEWEST) ? newest : API_NEWEST;
    this.#prefix = `/v${used.join(".")}`;
    return ok({ engine: text(asked.value.Version) ?? "unknown", runc: runcOf(asked.value) });
  }

  /** The answer as JSON; an empty one is `{}`. */
  async json(request: EngineRequest): Promise<Result<Json, DockerError>> {
    const ready = await this.#ready();
    return ready.ok ? this.#json(request) : ready;
  }

  /** The answer as it comes. Who takes it reads it to its end, or destroys it. */
  async stream(request: EngineRequest): Promise<Result<IncomingMessage, DockerError>> {
    const ready = await this.#ready();
    return ready.ok ? this.#stream(request) : ready;
  }

  /** A stream both ways, as for a command's input and output. */
  async hijack(asked: EngineRequest): Promise<Result<Duplex, DockerError>> {
    const ready = await this.#ready();
    if (!ready.ok) return ready;
    const payload = JSON.stringify(asked.body ?? {});
    return new Promise((resolve) => {
      const sent = request({
        ...{ socketPath: this.socketPath, method: asked.method },
        path: `${this.#prefix ?? ""}${asked.path}`,
        headers: {
          ...{ host: "docker", "content-type": "application/json" },
          "content-length": Buffer.byteLength(payload),
          ...{ connection: "Upgrade", upgrade: "tcp" },
        },
      });
      sent.on("error", (cause) => resolve(err(this.#unreachable(cause))));
      sent.on("upgrade", (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(ok(socket));
      });
      sent.on("response", (answer) => {
        const status = answer.statusCode ?? 0;
        void refusalOf(answer).then((message) =>
          resolve(err({ code: "DOCKER_REFUSED", operation: asked.operation, status, message })),
        );
      });
      sent.end(payload);
    });
  }

  async #ready(): Promise<Result<unknown, DockerError>> {
    return this.#prefix === undefined ? this.negotiate() : ok(undefined);
  }

  async #json(request: EngineRequest): Promise<Result<Json, DockerError>> {
    const answer = await this.#stream({ idleMs: IDLE_MS, ...request });
    if (!answer.ok) return answer;
    try {
      const body = await textOf(answer.value, Number.POSITIVE_INFINITY);
      return ok(body.trim() === "" ? {} : objectOf(JSON.parse(body)));
    } catch (cause) {
      return err(this.#unreachable(cause));
    }
  }

  #stream(asked: EngineRequest): Promise<Result<IncomingMessage, DockerError>> {
    const { method, path, body, headers, operation, signal, idleMs } = asked;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const type = payload !== undefined && { "content-type": "application/json" };
    const length = { "content-length": payload === undefined ? 0 : Buffer.byteLength(payload) };
    return new Promise((resolve) => {
      const sent = request({
        ...{ agent: this.#agent, socketPath: this.socketPath, method },
        path: `${this.#prefix ?? ""}${path}`,
        headers: { host: "docker", ...type, ...(method !== "GET" && length), ...headers },
        ...(signal !== undefined && { signal }),
      });
      if (idleMs !== undefined) {
        sent.setTimeout(idleMs, () => sent.destroy(new Error(`no answer for ${idleMs} ms`)));
      }
      sent.on("error", (cause) => resolve(err(this.#unreachable(cause))));
      sent.on("response", (answer) => {
        const status = answer.statusCode ?? 0;
        if (status < 400) return resolve(ok(answer));
        void refusalOf(answer).then((message) =>
          resolve(err({ code: "DOCKER_REFUSED", operation, status, message })),
        );
      });
      sent.end(payload);
    });
  }

  #unreachable(cause: unknown): DockerError {
    const errno = errnoOf(cause);
    return { code: "DOCKER_UNREACHABLE", socketPath: this.socketPath, errno };
  }
}

/** `?a=1&b=…`; members that are undefined are left out. */
export function query(members: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

/** The JSON objects of an answer that is one per line. */
export async function* jsonLines(answer: IncomingMessage): AsyncGenerator<Json> {
  let rest = "";
  answer.setEncoding("utf8");
  for await (const chunk of answer) {
    rest += chunk;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield objectOf(JSON.parse(line));
  }
  if (rest.trim() !== "") yield objectOf(JSON.parse(rest));
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The object at `value`; an empty one when it is none. */
export function objectOf(value: unknown): Json {
  // Any object can be asked for any member.
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : Object.values(objectOf(value));
}

async function textOf(answer: IncomingMessage, bytesMax: number): Promise<string> {
  answer.setEncoding("utf8");
  let body = "";
  for await (const chunk of answer) if (body.length < bytesMax) body += chunk;
  return body;
}

async function refusalOf(answer: IncomingMessage): Promise<string> {
  const body = await textOf(answer, ERROR_BYTES_MAX).catch(() => "");
  try {
    return text(objectOf(JSON.parse(body)).message) ?? body;
  } catch {
    // A proxy in between may answer in HTML.
    return body;
  }
}

type ApiVersion = readonly [number, number];

function versionOf(value: unknown): ApiVersion | undefined {
  const found = /^(\d+)\.(\d+)$/.exec(text(value) ?? "");
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

function isOlder(one: ApiVersion, other: ApiVersion): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}

/** The commit has a distribution's own patch number where the version has not. */
function runcOf(version: Json): string | undefined {
  const runc = listOf(version.Components)
    .map(objectOf)
    .find(({ Name }) => Name === "runc");
  if (runc === undefined) return undefined;
  const commit = text(objectOf(runc.Details).GitCommit) ?? "";
  return /^v?\d+\.\d+/.test(commit) ? commit.replace(/^v/, "") : text(runc.Version);
}
