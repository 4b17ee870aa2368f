/**
 * Keeps one subscription alive: opens the stream, opens it again when it is lost, and sends calls
 * with the id of the stream that is live.
 *
 * Invariants:
 * 1. At most one stream is live. A call carries the stream id that was live when it was sent.
 * 2. Once a framework id is known, every SUBSCRIBE carries it.
 * 3. Whoever waits for a live stream is woken by the next SUBSCRIBED, or rejected when `run` ends.
 *
 * Knows nothing of tasks, offers and acknowledgements.
 */
import type { FrameworkId, StreamId } from "../protocol/ids.ts";
import type * as wire from "../protocol/v1/scheduler.ts";
import { type BackOffOptions, backOffMs, pause } from "./back-off.ts";
import { codeOfErrorEvent, SchedulerError } from "./error.ts";
import type { SchedulerEvent } from "./event.ts";
import { eventStream } from "./event-stream.ts";
import { type CallOptions, failure, type MasterClient } from "./master-client.ts";

const PATH = "/api/v1/scheduler";
const STREAM_ID_HEADER = "Mesos-Stream-Id";

/** How often a call is repeated on streams that are up; waiting for a stream does not count. */
const REPEATS_MAX = 20;

export interface ConnectionOptions {
  readonly client: MasterClient;
  readonly backOff: BackOffOptions;
  readonly subscribeTimeoutMs: number;
  readonly heartbeatsMissedMax: number;
  readonly random: () => number;
  /** The SUBSCRIBE to send; `frameworkId` is undefined until the master has given one. */
  subscribeCall(frameworkId: FrameworkId | undefined): wire.Call;
}

/** Where what comes from the master goes. */
export interface Sink {
  /** The stream is not read on before this resolves. */
  event(event: SchedulerEvent): Promise<void>;
  lost(error: SchedulerError, retryMs: number): void;
}

interface LiveStream {
  readonly streamId: StreamId;
  readonly frameworkId: FrameworkId;
  readonly abort: AbortController;
}

interface Waiter {
  resolve(live: LiveStream): void;
  reject(error: SchedulerError): void;
}

type SchedulerCall = Omit<wire.Call, "framework_id">;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #waiters = new Set<Waiter>();
  #frameworkId: FrameworkId | undefined;
  #live: LiveStream | undefined;
  #running = false;
  /** True once SUBSCRIBED came: what follows is a resumption. */
  #wasSubscribed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get frameworkId(): FrameworkId | undefined {
    return this.#frameworkId;
  }

  get subscribed(): boolean {
    return this.#live !== undefined;
  }

  /** Keeps a stream open until `signal` aborts (then undefined) or trying again cannot help. */
  async run(sink: Sink, signal: AbortSignal): Promise<SchedulerError | undefined> {
    const { backOff, random } = this.#options;
    this.#running = true;
    let end: SchedulerError | undefined;
    let attempt = -1;
    while (!signal.aborted) {
      const { error, wasUp } = await this.#stream(sink, signal);
      if (signal.aborted) break;
      if (!error.retryable) {
        end = error;
        break;
      }
      attempt = wasUp ? 0 : attempt + 1;
      const retryMs = backOffMs(backOff, attempt, random());
      sink.lost(error, retryMs);
      await pause(retryMs, signal);
    }
    this.#running = false;
    const gone = end ?? new SchedulerError("NOT_SUBSCRIBED", "the subscription has ended");
    for (const waiter of this.#waiters) waiter.reject(gone);
    return end;
  }

  /** Sends on the live stream. Rejects with NOT_SUBSCRIBED when there is none. */
  async once(call: SchedulerCall, options: CallOptions): Promise<void> {
    if (this.#live === undefined) {
      throw new SchedulerError(
        "NOT_SUBSCRIBED",
        `${call.type} needs a live subscription to ${this.#options.client.url}: wait for SUBSCRIBED`,
      );
    }
    await this.#post(this.#live, call, options);
  }

  /**
   * For calls that may reach the master twice: waits for a stream, and repeats after a lost one.
   */
  async repeated(call: SchedulerCall, options: CallOptions): Promise<void> {
    const { backOff, random } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const live = await this.#untilLive(options.signal);
      try {
        return await this.#post(live, call, options);
      } catch (error) {
        if (!SchedulerError.is(error) || !error.retryable || attempt >= REPEATS_MAX) throw error;
        const signal = options.signal ?? new AbortController().signal;
        if (this.#live === live) await pause(backOffMs(backOff, attempt, random()), signal);
      }
    }
  }

  /**
   * For calls that mean nothing on another stream: repeats while this one is up; when it is lost,
   * or there is none, the call is done.
   */
  async whileLive(call: SchedulerCall, options: CallOptions): Promise<void> {
    const { backOff, random } = this.#options;
    const live = this.#live;
    for (let attempt = 0; live !== undefined; attempt++) {
      try {
        return await this.#post(live, call, options);
      } catch (error) {
        if (!SchedulerError.is(error) || !error.retryable || attempt >= REPEATS_MAX) throw error;
        await pause(backOffMs(backOff, attempt, random()), options.signal ?? live.abort.signal);
        if (this.#live !== live) return;
      }
    }
  }

  async #post(live: LiveStream, call: SchedulerCall, options: CallOptions): Promise<void> {
    try {
      const post = {
        path: PATH,
        name: "mesos.v1.scheduler.Call",
        message: { ...call, framework_id: { value: live.frameworkId } },
        headers: { [STREAM_ID_HEADER]: live.streamId },
      } as const;
      await this.#options.client.post(post, options);
    } catch (error) {
      // The master says that our stream is none: it noticed the break before we did.
      const broken =
        SchedulerError.is(error, "NOT_SUBSCRIBED") || SchedulerError.is(error, "FRAMEWORK_UNKNOWN");
      if (broken) live.abort.abort(error);
      throw error;
    }
  }

  #untilLive(signal: AbortSignal | undefined): Promise<LiveStream> {
    if (this.#live !== undefined) return Promise.resolve(this.#live);
    return new Promise((resolve, reject) => {
      const url = this.#options.client.url;
      const abort = (): void => waiter.reject(failure(signal?.reason, url, signal));
      const settled = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        resolve: (live) => {
          settled();
          resolve(live);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted) abort();
      const message = "nothing is subscribed: start with subscribe() or run()";
      if (!this.#running) waiter.reject(new SchedulerError("NOT_SUBSCRIBED", message));
    });
  }

  /** One stream from SUBSCRIBE to its end, whose reason it answers with; never rejects. */
  async #stream(
    sink: Sink,
    outer: AbortSignal,
  ): Promise<{ readonly error: SchedulerError; readonly wasUp: boolean }> {
    const { client } = this.#options;
    const abort = new AbortController();
    const stop = (): void => abort.abort(outer.reason);
    outer.addEventListener("abort", stop, { once: true });
    let wasUp = false;
    try {
      client.forgetLeader();
      const { response, streamId } = await this.#open(abort);
      const stream = eventStream({
        ...this.#options,
        response,
        url: client.url,
        resumed: this.#wasSubscribed,
        signal: abort.signal,
      });
      for await (const decoded of stream) {
        if (decoded.kind === "UNKNOWN") continue;
        if (decoded.kind === "ERROR") throw endOfStream(decoded.message, wasUp);
        if (decoded.event.type === "SUBSCRIBED") {
          wasUp = true;
          this.#subscribed(decoded.event, { streamId, abort });
        }
        await sink.event(decoded.event);
      }
      throw new SchedulerError("STREAM_ENDED", `${client.url} ended the event stream`);
    } catch (cause) {
      return { error: failure(cause, client.url, abort.signal), wasUp };
    } finally {
      outer.removeEventListener("abort", stop);
      this.#live = undefined;
      abort.abort();
    }
  }

  #subscribed(event: SchedulerEvent<"SUBSCRIBED">, stream: Omit<LiveStream, "frameworkId">): void {
    // Ids become branded where they come from the wire.
    const frameworkId = event.framework_id.value as FrameworkId;
    const live = { ...stream, frameworkId };
    this.#frameworkId = frameworkId;
    this.#wasSubscribed = true;
    this.#live = live;
    for (const waiter of this.#waiters) waiter.resolve(live);
  }

  /** Sends SUBSCRIBE; the time until the head of the answer is bounded. */
  async #open(
    abort: AbortController,
  ): Promise<{ readonly response: Response; readonly streamId: StreamId }> {
    const { client, subscribeTimeoutMs } = this.#options;
    const timer = setTimeout(() => {
      const message = `${client.url} did not answer SUBSCRIBE within ${subscribeTimeoutMs / 1_000} s`;
      abort.abort(new SchedulerError("UNAVAILABLE", message));
    }, subscribeTimeoutMs);
    try {
      const post = {
        path: PATH,
        name: "mesos.v1.scheduler.Call",
        message: this.#options.subscribeCall(this.#frameworkId),
        headers: { Accept: "application/json" },
      } as const;
      const response = await client.open(post, abort.signal);
      const streamId = response.headers.get(STREAM_ID_HEADER);
      // Ids become branded where they come from the wire.
      if (streamId !== null) return { response, streamId: streamId as StreamId };
      throw new SchedulerError(
        "PROTOCOL",
        `${client.url} answered SUBSCRIBE without ${STREAM_ID_HEADER}: is it a Mesos v1 master?`,
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * An ERROR before SUBSCRIBED refuses the framework; a later one that we do not know ends only the
 * stream.
 */
function endOfStream(message: string, wasUp: boolean): SchedulerError {
  const code = codeOfErrorEvent(message);
  const sentence = `the master ended the subscription: ${message}`;
  return new SchedulerError(code === "REFUSED" && wasUp ? "STREAM_ENDED" : code, sentence);
}
