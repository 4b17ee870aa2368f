/**
 * Images: pulled once however many tasks wait for one, with progress in the agent's log. A pull
 * ends when the last task that waits for it is cancelled.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type CredentialSource, credentialsFor } from "./credentials.ts";
import { type Engine, type Json, jsonLines, number, objectOf, query, text } from "./engine.ts";
import type { DockerError } from "./errors.ts";
import { type ImageName, imageName } from "./image-name.ts";

export interface PullOptions {
  readonly engine: Engine;
  readonly log: (line: string) => void;
  /** Longest time in which nothing of an image arrives. */
  readonly stallMs: number;
  readonly pulled: (tookMs: number) => void;
}

export interface PullRequest {
  readonly image: string;
  readonly platform: string | undefined;
  readonly credentials: CredentialSource;
  readonly signal: AbortSignal;
}

interface Pull {
  readonly done: Promise<Result<void, DockerError>>;
  readonly abort: AbortController;
  waiting: number;
}

/** How it is pulled, and by what it ends early. */
interface PullHow {
  readonly platform: string | undefined;
  readonly auth: string | undefined;
  readonly abort: AbortController;
}

/** PULL_BROKEN: the daemon went away in the middle of it. */
type Attempt = Result<void, DockerError | { readonly code: "PULL_BROKEN" }>;
const BROKEN: Attempt = err({ code: "PULL_BROKEN" });
const LOST = "ECONNRESET";
/** A daemon that is ended in order says it of the pulls that it drops. */
const DROPPED = /context canceled|daemon is shutting down/i;

/** How often a daemon is asked again that went away in the middle of a pull. */
const RETRY_EVERY_MS = 500;
/** How often a pull that goes on says so. */
const PROGRESS_EVERY_MS = 10_000;

export class Images {
  readonly #options: PullOptions;
  /** By what is pulled, for whom. */
  readonly #pulls = new Map<string, Pull>();

  constructor(options: PullOptions) {
    this.#options = options;
  }

  async pull(asked: PullRequest): Promise<Result<void, DockerError>> {
    const { image, platform, signal } = asked;
    const name = imageName(image);
    if (!name.ok) return name;
    const auth = await credentialsFor(name.value.registry, asked.credentials);
    if (!auth.ok) return auth;
    // Who has other credentials may be refused what the first one gets.
    const key = JSON.stringify([image, platform, auth.value]);
    const pull =
      this.#pulls.get(key) ?? this.#start(key, name.value, { platform, auth: auth.value });
    pull.waiting += 1;
    const cancelled = new Promise<Result<void, DockerError>>((resolve) => {
      const cancel = (): void => resolve(err({ code: "LAUNCH_CANCELLED" }));
      if (signal.aborted) cancel();
      else signal.addEventListener("abort", cancel, { once: true });
    });
    const outcome = await Promise.race([pull.done, cancelled]);
    pull.waiting -= 1;
    if (pull.waiting === 0) {
      this.#pulls.delete(key);
      pull.abort.abort();
    }
    return outcome;
  }

  #start(
    key: string,
    name: ImageName,
    how: { readonly platform: string | undefined; readonly auth: string | undefined },
  ): Pull {
    const abort = new AbortController();
    const done = this.#pull(name, { ...how, abort }).finally(() => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
    });
    const pull: Pull = { done, abort, waiting: 0 };
    this.#pulls.set(key, pull);
    return pull;
  }

  async #pull(name: ImageName, how: PullHow): Promise<Result<void, DockerError>> {
    const { log, stallMs } = this.#options;
    const { text: image } = name;
    const startMs = performance.now();
    log(`pulling the image '${image}'`);
    let isStalled = false;
    const watch = setTimeout(() => {
      isStalled = true;
      how.abort.abort();
    }, stallMs);
    const attempt = await this.#persist(name, how, watch);
    clearTimeout(watch);
    const seconds = Math.round(stallMs / 1_000);
    const outcome = isStalled
      ? err({ code: "IMAGE_PULL_STALLED", image, seconds } as const)
      : settled(image, attempt);
    const tookMs = performance.now() - startMs;
    if (outcome.ok) {
      this.#options.pulled(tookMs);
      log(`pulled the image '${image}' in ${(tookMs / 1_000).toFixed(1)} s`);
    }
    return outcome;
  }

  /** Until it is there, is refused, or nobody wants it any more. */
  async #persist(name: ImageName, how: PullHow, watch: NodeJS.Timeout): Promise<Attempt> {
    const first = await this.#attempt(name, how, watch);
    let attempt = isLost(first) ? BROKEN : first;
    if (isBroken(attempt) && !how.abort.signal.aborted) {
      this.#options.log(`the pull of '${name.text}' broke off; it goes on when Docker is back`);
    }
    while (isBroken(attempt) && !how.abort.signal.aborted) {
      await sleep(RETRY_EVERY_MS, undefined, { ref: false });
      const next = await this.#attempt(name, how, watch);
      attempt = isAway(next) ? BROKEN : next;
    }
    return attempt;
  }

  async #attempt(
    { text: image, repository, version }: ImageName,
    how: PullHow,
    watch: NodeJS.Timeout,
  ): Promise<Attempt> {
    const members = { fromImage: repository, tag: version, platform: how.platform };
    const answer = await this.#options.engine.stream({
      method: "POST",
      path: `/images/create${query(members)}`,
      ...(how.auth !== undefined && { headers: { "x-registry-auth": how.auth } }),
      operation: `pull the image '${image}'`,
      signal: how.abort.signal,
    });
    if (answer.ok) return await this.#follow(image, jsonLines(answer.value), watch);
    return answer.error.code === "DOCKER_REFUSED" ? failed(image, answer.error.message) : answer;
  }

  async #follow(
    image: string,
    lines: AsyncIterable<Json>,
    watch: NodeJS.Timeout,
  ): Promise<Attempt> {
    const layers = new Map<string, Json>();
    let saidMs = performance.now();
    try {
      for await (const line of lines) {
        watch.refresh();
        const error = text(objectOf(line.errorDetail).message) ?? text(line.error);
        if (error !== undefined) return DROPPED.test(error) ? BROKEN : failed(image, error);
        if (text(line.id) !== undefined) layers.set(text(line.id) ?? "", line);
        if (performance.now() - saidMs < PROGRESS_EVERY_MS) continue;
        saidMs = performance.now();
        this.#options.log(`pulling the image '${image}': ${progressOf([...layers.values()])}`);
      }
      return ok(undefined);
    } catch (cause) {
      // What the connection itself says has a code; an answer that cannot be read has none.
      if (cause instanceof Error && "code" in cause) return BROKEN;
      return failed(image, cause instanceof Error ? cause.message : String(cause));
    }
  }
}

function isBroken(attempt: Attempt): boolean {
  return !attempt.ok && attempt.error.code === "PULL_BROKEN";
}

/** It was there when it was asked. */
function isLost(attempt: Attempt): boolean {
  return isAway(attempt) && !attempt.ok && "errno" in attempt.error && attempt.error.errno === LOST;
}

function isAway(attempt: Attempt): boolean {
  return !attempt.ok && attempt.error.code === "DOCKER_UNREACHABLE";
}

/** What is left of it once nothing is tried any more. */
function settled(image: string, attempt: Attempt): Result<void, DockerError> {
  if (attempt.ok) return attempt;
  const { error } = attempt;
  return error.code === "PULL_BROKEN" ? failed(image, "it broke off") : err(error);
}

function failed(image: string, message: string): Result<never, DockerError> {
  return err({ code: "IMAGE_PULL_FAILED", image, message });
}

/** Like "12.3 of 40.0 MB, 2 of 5 layers done". */
function progressOf(layers: readonly Json[]): string {
  const done = layers.filter(({ status }) =>
    /^(Pull complete|Already exists)/.test(text(status) ?? ""),
  );
  const sum = (member: "current" | "total"): string => {
    const all = layers.map((line) => number(objectOf(line.progressDetail)[member]) ?? 0);
    return (all.reduce((total, each) => total + each, 0) / 1_000_000).toFixed(1);
  };
  return `${sum("current")} of ${sum("total")} MB under way, ${done.length} of ${layers.length} layers done`;
}
