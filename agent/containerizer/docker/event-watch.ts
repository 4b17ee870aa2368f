/**
 * One connection that tells of every end among this agent's containers. Whenever it is made anew,
 * `connected` is called: what happened meanwhile has to be looked up.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Engine, jsonLines, objectOf, query, text } from "./engine.ts";

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;
/** The Engine answers before it listens; events of this long ago are told again. */
const OVERLAP_SECONDS = 2;

export interface EventWatchOptions {
  readonly engine: Engine;
  /** `name=value` that the containers have. */
  readonly label: string;
  readonly ended: (dockerId: string) => void;
  readonly connected: () => void;
  /** The daemon went away (`why`), and came back (undefined). */
  readonly said: (why: string | undefined) => void;
}

export class EventWatch {
  readonly #options: EventWatchOptions;
  readonly #stop = new AbortController();

  constructor(options: EventWatchOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { connected, said } = this.#options;
    let retryMs = RETRY_MIN_MS;
    let wasAway = false;
    while (!this.#stop.signal.aborted) {
      // A daemon that was restarted may be another version.
      const answer = wasAway ? await this.#afterNegotiation() : await this.#subscribe();
      if (answer.ok) {
        if (wasAway) said(undefined);
        wasAway = false;
        retryMs = RETRY_MIN_MS;
        answer.value.socket.unref();
        connected();
        await this.#follow(jsonLines(answer.value));
      } else if (!wasAway && !this.#stop.signal.aborted) {
        wasAway = true;
        said(answer.error.code === "DOCKER_UNREACHABLE" ? answer.error.errno : answer.error.code);
      }
      const signal = this.#stop.signal;
      await sleep(retryMs, undefined, { ref: false, signal }).catch(() => {});
      retryMs = Math.min(2 * retryMs, RETRY_MAX_MS);
    }
  }

  async #afterNegotiation() {
    const version = await this.#options.engine.negotiate();
    return version.ok ? await this.#subscribe() : version;
  }

  #subscribe() {
    const { engine, label } = this.#options;
    const filters = JSON.stringify({ type: ["container"], event: ["die"], label: [label] });
    const since = String(Math.floor(Date.now() / 1_000) - OVERLAP_SECONDS);
    return engine.stream({
      method: "GET",
      path: `/events${query({ filters, since })}`,
      operation: "tell of its events",
      signal: this.#stop.signal,
    });
  }

  async #follow(events: ReturnType<typeof jsonLines>): Promise<void> {
    try {
      for await (const event of events) {
        const id = text(objectOf(event.Actor).ID);
        if (id !== undefined) this.#options.ended(id);
      }
    } catch {
      // The connection is lost, or was closed.
    }
  }
}
