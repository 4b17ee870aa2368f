/**
 * One call that came through the link: its answer goes out in numbered posts, and what its caller
 * sends is asked for piece by piece. The relay holds what it cannot pass on yet, so neither side
 * keeps more than a piece.
 *
 * 1. A post is repeated until it is taken: nothing of an answer is lost or doubled. 2. While the
 * call goes on there is always a request open that is refused as soon as the caller has gone: then
 * `signal` aborts. 3. Without any word of the relay for `LOST_MS` the caller counts as gone.
 */
import { CALL_REPLY_BYTES } from "../../worker/protocol/limits.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { backoffMs } from "./backoff.ts";

/** An answer that is there at once. */
export interface CallAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer that goes on. */
export interface CallStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Called once. Ends when `signal` aborts. */
  readonly pieces: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

export interface LinkedRequest {
  readonly call: link.CommandCall;
  /** What the caller sends besides; nothing, unless the call says `records`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal;
}

/** GONE: nobody waits any more. AGAIN: no answer, or one that a later attempt may better. */
export type Unheard = { readonly type: "GONE" } | { readonly type: "AGAIN" };

/** The relay, as far as one call is concerned. Never throws. */
export interface CallPort {
  reply(piece: Piece): Promise<{ readonly type: "TAKEN" } | Unheard>;
  input(sequence: number): Promise<({ readonly type: "HEARD" } & link.CallInputResponse) | Unheard>;
}

export type Piece = Omit<link.CallReply, "agent_id" | "session_id" | "call_id">;

const LOST_MS = 60_000;
const PAUSE_MOST_MS = 2_000;
/** A call that is answered sooner than that costs no request beside its answer. */
const PATIENCE_MS = 1_000;

/** Resolves when the answer is out, or nobody waits for it. */
export async function serveLinkedCall(
  port: CallPort,
  call: link.CommandCall,
  answer: (request: LinkedRequest) => Promise<CallAnswer | CallStream>,
): Promise<void> {
  const exchange = new LinkedCall(port);
  const patience = setTimeout(() => exchange.listen(), PATIENCE_MS);
  try {
    const { signal } = exchange;
    const made = await answer({ call, body: exchange.body(), signal });
    if ("pieces" in made) {
      exchange.listen();
      await exchange.sendStream(made);
    } else await exchange.sendWhole(made);
  } finally {
    clearTimeout(patience);
    exchange.close();
  }
}

class LinkedCall {
  readonly #port: CallPort;
  readonly #gone = new AbortController();
  #heardMs = performance.now();
  /** Of the next post. */
  #replySequence = 0;
  /** Of the next piece of the body. */
  #inputSequence = 0;
  /** Resolves when the body's piece that is asked for has come. */
  #taking: Promise<unknown> | undefined;
  #isListening = false;

  constructor(port: CallPort) {
    this.#port = port;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  close(): void {
    this.#gone.abort();
  }

  /** Keeps a request open until the end, to hear of the caller's. */
  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    void this.#listen();
  }

  async *body(): AsyncGenerator<Uint8Array, void> {
    while (!this.signal.aborted) {
      const taking = this.#take();
      this.#taking = taking;
      const piece = await taking;
      this.#taking = undefined;
      if (piece === undefined) return;
      if (piece.data !== undefined && piece.data.length > 0) yield piece.data;
      if (piece.last === true) return;
    }
  }

  async sendWhole({ status, headers, body }: CallAnswer): Promise<void> {
    const bytes = Buffer.from(body);
    for (let from = 0; ; from += CALL_REPLY_BYTES) {
      const data = bytes.subarray(from, from + CALL_REPLY_BYTES);
      const last = from + data.length >= bytes.length;
      const isTaken = await this.#send(from === 0 ? { status, headers } : undefined, data, last);
      if (last || !isTaken) return;
    }
  }

  async sendStream({ status, headers, pieces }: CallStream): Promise<void> {
    // The head goes first: the caller is to know that it is connected.
    if (!(await this.#send({ status, headers }, new Uint8Array(), false))) return;
    const outbox = new Outbox();
    const filling = outbox.fill(pieces(this.signal));
    for (;;) {
      const { data, last } = await outbox.take();
      if (!(await this.#send(undefined, data, last)) || last) break;
    }
    this.close();
    outbox.drop();
    await filling;
  }

  /** Until the next piece of the body is there; undefined: the caller has gone. */
  async #take(): Promise<link.CallInputResponse | undefined> {
    for (let failures = 0; !this.signal.aborted; ) {
      const heard = await this.#port.input(this.#inputSequence);
      if (heard.type !== "HEARD") {
        if (!(await this.#wait(heard, ++failures))) return undefined;
        continue;
      }
      failures = 0;
      this.#heardMs = performance.now();
      if (heard.data === undefined && heard.last !== true) continue;
      this.#inputSequence++;
      return heard;
    }
    return undefined;
  }

  async #listen(): Promise<void> {
    for (let failures = 0; !this.signal.aborted; ) {
      if (this.#taking !== undefined) {
        await this.#taking;
        continue;
      }
      // One beyond the next is never there: the request is held, and a real one takes its place.
      const heard = await this.#port.input(this.#inputSequence + 1);
      if (heard.type === "HEARD") {
        failures = 0;
        this.#heardMs = performance.now();
      } else if (!(await this.#wait(heard, ++failures))) return;
    }
  }

  /** False: nobody waits for the answer any more. */
  async #send(
    head: Pick<CallAnswer, "status" | "headers"> | undefined,
    data: Uint8Array,
    last: boolean,
  ): Promise<boolean> {
    const sequence = this.#replySequence++;
    const piece = { sequence, ...(head && headOf(head)), data, last };
    for (let failures = 1; !this.signal.aborted; failures++) {
      const taken = await this.#port.reply(piece);
      if (taken.type === "TAKEN") {
        this.#heardMs = performance.now();
        return true;
      }
      if (!(await this.#wait(taken, failures))) return false;
    }
    return false;
  }

  /** False: there is no sense in another attempt. */
  async #wait(unheard: Unheard, failures: number): Promise<boolean> {
    switch (unheard.type) {
      case "GONE":
        this.close();
        return false;
      case "AGAIN":
        if (performance.now() - this.#heardMs > LOST_MS) this.close();
        else await pause(backoffMs(failures, PAUSE_MOST_MS, Math.random()), this.signal);
        return !this.signal.aborted;
      default:
        return unreachable(unheard);
    }
  }
}

function headOf({ status, headers }: Pick<CallAnswer, "status" | "headers">): Partial<Piece> {
  const messageType = headers["Message-Content-Type"];
  return {
    status,
    content_type: headers["Content-Type"] ?? "",
    ...(messageType !== undefined && { message_content_type: messageType }),
  };
}

/** What waits to be posted: about one post, then its maker waits. */
class Outbox {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #hasEnded = false;
  #isDropped = false;
  #onFilled: (() => void) | undefined;
  #onTaken: (() => void) | undefined;

  /** Resolves when `source` has ended. A failure of it breaks the answer off. */
  async fill(source: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of source) {
      if (this.#isDropped) break;
      this.#pieces.push(piece);
      this.#bytes += piece.length;
      this.#onFilled?.();
      while (this.#bytes >= CALL_REPLY_BYTES && !this.#isDropped) {
        await new Promise<void>((resolve) => {
          this.#onTaken = resolve;
        });
      }
    }
    this.#hasEnded = true;
    this.#onFilled?.();
  }

  async take(): Promise<{ readonly data: Uint8Array; readonly last: boolean }> {
    while (this.#bytes === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#onFilled = resolve;
      });
    }
    const all = Buffer.concat(this.#pieces);
    const data = all.subarray(0, CALL_REPLY_BYTES);
    const rest = all.subarray(data.length);
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    this.#onTaken?.();
    return { data, last: this.#hasEnded && rest.length === 0 };
  }

  /** Nobody takes any more. */
  drop(): void {
    this.#isDropped = true;
    this.#onTaken?.();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
