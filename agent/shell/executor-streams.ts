/**
 * The open streams of custom executors: what is to be sent waits here until it is read.
 *
 * 1. A stream has the number by which the core knows it; no number is used twice in one life of the
 * agent. 2. What waits is bounded: an executor that does not read loses its stream, subscribes
 * again, and is told again what matters.
 */
import type * as executor from "../../worker/protocol/v1/executor.ts";

/** Bytes that may wait for one executor: some LAUNCHes of the largest tasks there can be. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** http-semantics 7.2: the first one comes after this time, not at once. */
const HEARTBEAT_MS = 30 * 60 * 1_000;

export interface ExecutorStream {
  readonly connection: number;
  /** What is sent, record by record; ends when the stream is closed, or `signal` aborts. */
  records(signal: AbortSignal): AsyncGenerator<Uint8Array>;
}

export class ExecutorStreams {
  readonly #streams = new Map<number, Stream>();
  #last = 0;

  /** `encode`: an event as one record. `ended`: called once, however it ended. */
  open(encode: (event: executor.Event) => Uint8Array, ended: () => void): ExecutorStream {
    const connection = ++this.#last;
    const stream = new Stream(connection, encode, () => {
      this.#streams.delete(connection);
      ended();
    });
    this.#streams.set(connection, stream);
    return stream;
  }

  /** To a stream that has ended nothing is sent. */
  send(connection: number, event: executor.Event): void {
    this.#streams.get(connection)?.send(event);
  }

  /** What was sent before is still read. */
  close(connection: number): void {
    this.#streams.get(connection)?.close();
  }

  closeAll(): void {
    for (const stream of [...this.#streams.values()]) stream.close();
  }
}

class Stream implements ExecutorStream {
  readonly connection: number;
  readonly #encode: (event: executor.Event) => Uint8Array;
  readonly #ended: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isOpen = true;
  #wake: () => void = () => {};

  constructor(
    connection: number,
    encode: (event: executor.Event) => Uint8Array,
    ended: () => void,
  ) {
    this.connection = connection;
    this.#encode = encode;
    this.#ended = ended;
    this.#heartbeat = setInterval(() => this.send({ type: "HEARTBEAT" }), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  send(event: executor.Event): void {
    if (!this.#isOpen) return;
    const record = this.#encode(event);
    this.#bytes += record.length;
    if (this.#bytes > WAITING_BYTES) {
      this.#waiting = [];
      this.close();
      return;
    }
    this.#waiting.push(record);
    this.#wake();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#heartbeat);
    this.#wake();
    this.#ended();
  }

  async *records(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stop = (): void => this.close();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    for (;;) {
      const record = this.#waiting.shift();
      if (record !== undefined) {
        this.#bytes -= record.length;
        yield record;
      } else if (!this.#isOpen || signal.aborted) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
