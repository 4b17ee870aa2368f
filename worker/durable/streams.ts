/**
 * The open event streams, of frameworks and of operators. One RecordIO record per write; an event
 * is encoded once for all its readers.
 *
 * 1. A reader that leaves more than `STREAM_QUEUED_BYTES` unread is cut off. 2. All readers
 * together leave at most `ALL_STREAMS_QUEUED_BYTES`: the one that leaves most is cut first. workerd
 * itself buffers for a stalled reader without any bound; `desiredSize` tells the truth about it. 3.
 * The owner hears of every end that it did not ask for, once. 4. An operator's stream begins with
 * the state, which is made while it is read; events that happen meanwhile wait behind it, and count
 * as unread. 5. A reader that went away before its answer was on its way is found out by the events
 * that it does not take: the platform does not tell of it.
 */
import type { Snapshot } from "../core/operator/snapshot.ts";
import type { Messages } from "../protocol/descriptors.ts";
import type { StreamId } from "../protocol/ids.ts";
import type * as master from "../protocol/v1/master.ts";
import type * as scheduler from "../protocol/v1/scheduler.ts";
import type { MessageEncoding } from "../protocol/wire/encoding.ts";
import { encodeJson } from "../protocol/wire/json.ts";
import { encodeProtobuf } from "../protocol/wire/protobuf.ts";
import { encodeRecord } from "../protocol/wire/record-io.ts";
import { assert, unreachable } from "../std/assert.ts";
import type { LongRead } from "./long-reads.ts";
import { readSubscribed } from "./reads.ts";
import { type Slice, Slices, takeSlice } from "./slices.ts";

/** What is unread by one reader, and by all together: the object has 128 MB for everything. */
export const STREAM_QUEUED_BYTES = 1024 * 1024;
export const ALL_STREAMS_QUEUED_BYTES = 20 * 1024 * 1024;

/** A reader of a beginning that takes nothing for so long is cut off. */
const STALLED_MS = 30_000;

/** So is a reader of events, who may have stopped for a moment. */
export const EVENTS_STALLED_MS = 75_000;

interface OpenStream {
  readonly encoding: MessageEncoding;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** There until the state has been sent. */
  beginning: Beginning | undefined;
  /** Since when the reader has taken nothing; undefined: it has taken everything and waits. */
  unread: { readonly sinceMs: number; bytes: number } | undefined;
}

/** The state that a stream begins with, and what waits behind it. */
interface Beginning {
  /** Resolves with the state when the turn of its subscription is durable. */
  readonly ready: Promise<Iterator<Slice["bytes"] | string>>;
  readonly start: (read: LongRead) => void;
  close: () => void;
  readonly behind: Uint8Array[];
  behindBytes: number;
  stalled: ReturnType<typeof setTimeout> | undefined;
}

export type StreamEnd = "CLIENT_CLOSED" | "READ_TOO_SLOWLY";

type AnyEvent =
  | { readonly api: "SCHEDULER"; readonly event: scheduler.Event }
  | { readonly api: "OPERATOR"; readonly event: master.Event };

export class Streams {
  readonly #open = new Map<StreamId, OpenStream>();
  /** Those of operators that have their state, or it is on its way. */
  readonly #subscribed = new Set<StreamId>();
  readonly #slices: Slices;
  readonly #onEnd: (streamId: StreamId, cause: StreamEnd) => void;
  readonly #nowMs: () => number;
  /** At least what is queued in all streams together; counted again when it passes the limit. */
  #queuedAtMost = 0;
  readonly #encoded = new Map<MessageEncoding, { event: object; record: Uint8Array }>();

  constructor(options: {
    /** Those of all long work of the object; alone with itself when absent. */
    readonly slices?: Slices;
    readonly onEnd: (streamId: StreamId, cause: StreamEnd) => void;
    /** The machine's clock when absent. */
    readonly nowMs?: () => number;
  }) {
    this.#slices = options.slices ?? new Slices();
    this.#onEnd = options.onEnd;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A framework's stream. */
  open(streamId: StreamId, encoding: MessageEncoding): ReadableStream<Uint8Array> {
    return this.#openStream(streamId, { encoding, beginning: undefined });
  }

  /**
   * An operator's stream: nothing is sent before `begin`. `onBegun` is called once, when the state
   * has been sent or never will be.
   */
  openForOperator(
    streamId: StreamId,
    encoding: MessageEncoding,
    onBegun: () => void = () => {},
  ): ReadableStream<Uint8Array> {
    return this.#openStream(streamId, { encoding, beginning: newBeginning(onBegun) });
  }

  /** An operator's stream begins with this state. */
  begin(streamId: StreamId, snapshot: Snapshot): void {
    const stream = this.#open.get(streamId);
    if (stream?.beginning === undefined) {
      snapshot.cold.close();
      return;
    }
    this.#subscribed.add(streamId);
    stream.beginning.start(readSubscribed(snapshot, stream.encoding));
  }

  /**
   * Sends to a stream that is gone go nowhere: its reader is told everything again when it returns.
   */
  send(streamId: StreamId, event: scheduler.Event): void {
    const stream = this.#open.get(streamId);
    if (stream !== undefined) this.#send(streamId, stream, { api: "SCHEDULER", event });
  }

  sendToOperator(streamId: StreamId, event: master.Event): void {
    const stream = this.#open.get(streamId);
    if (stream !== undefined) this.#send(streamId, stream, { api: "OPERATOR", event });
  }

  /** To every operator whose state is from before the event. */
  publish(event: master.Event): void {
    for (const streamId of [...this.#subscribed]) this.sendToOperator(streamId, event);
  }

  /** Somebody who knows says that the reader has gone. */
  hungUp(streamId: StreamId): void {
    const stream = this.#forget(streamId);
    if (stream === undefined) return;
    stream.controller.error(new Error("the client of this event stream has hung up"));
    this.#onEnd(streamId, "CLIENT_CLOSED");
  }

  /** Ends the stream after everything sent so far. */
  close(streamId: StreamId): void {
    const stream = this.#forget(streamId);
    if (stream === undefined) return;
    // What waits behind a beginning has no place to go once the stream is closed.
    if (stream.beginning === undefined) stream.controller.close();
    else stream.controller.error(new Error("this event stream ended early; subscribe again"));
  }

  closeAll(): void {
    for (const streamId of [...this.#open.keys()]) this.close(streamId);
  }

  #openStream(
    streamId: StreamId,
    facts: Pick<OpenStream, "encoding" | "beginning">,
  ): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const stream: OpenStream = { ...facts, controller, unread: undefined };
          this.#open.set(streamId, stream);
          if (stream.beginning === undefined) return;
          // Until its reader asks for the first slice.
          stream.beginning.stalled = setTimeout(() => this.#cut(streamId, stream), STALLED_MS);
        },
        pull: () => this.#pull(streamId),
        cancel: () => {
          // The reader is gone; workerd tells at the next write, so at the latest with the next
          // heartbeat.
          if (this.#forget(streamId) !== undefined) this.#onEnd(streamId, "CLIENT_CLOSED");
        },
      },
      { highWaterMark: 0, size: (record) => record?.byteLength ?? 0 },
    );
  }

  #send(streamId: StreamId, stream: OpenStream, event: AnyEvent): void {
    const record = this.#encode(event, stream.encoding);
    if (stream.beginning === undefined) {
      if (!this.#enqueue(streamId, stream, record)) return;
    } else {
      stream.beginning.behind.push(record);
      stream.beginning.behindBytes += record.byteLength;
    }
    if (queuedBytes(stream) > STREAM_QUEUED_BYTES) this.#cut(streamId, stream);
    this.#queuedAtMost += record.byteLength;
    if (this.#queuedAtMost > ALL_STREAMS_QUEUED_BYTES) this.#cutLargest();
  }

  /** False: nobody reads the stream, and it has ended. */
  #enqueue(streamId: StreamId, stream: OpenStream, record: Uint8Array): boolean {
    const { controller, unread } = stream;
    const nowMs = this.#nowMs();
    const queued = queuedBytes(stream);
    if (unread === undefined || queued < unread.bytes) {
      stream.unread = { sinceMs: nowMs, bytes: queued };
    } else if (nowMs - unread.sinceMs >= EVENTS_STALLED_MS) {
      this.#cut(streamId, stream);
      return false;
    }
    controller.enqueue(record);
    const left = queuedBytes(stream);
    // Whoever does not wait for a record leaves it in the queue. workerd throws away the queue of a
    // stream that nobody holds any more, and this is the only sign of it.
    if (unread !== undefined && unread.bytes > 0 && left === 0) {
      this.#forget(streamId);
      this.#onEnd(streamId, "CLIENT_CLOSED");
      return false;
    }
    if (stream.unread !== undefined) stream.unread.bytes = left;
    return true;
  }

  /** The reader wants more: while the state is being sent, that is its next slice. */
  async #pull(streamId: StreamId): Promise<void> {
    const stream = this.#open.get(streamId);
    if (stream !== undefined) stream.unread = undefined;
    const beginning = stream?.beginning;
    if (stream === undefined || beginning === undefined) return;
    if (beginning.stalled !== undefined) clearTimeout(beginning.stalled);
    const pieces = await beginning.ready;
    for (;;) {
      const slice = await this.#slices.next(() => this.#sliceOf(streamId, stream, pieces));
      if (slice === undefined) return;
      if (slice.bytes.length > 0) stream.controller.enqueue(slice.bytes);
      if (slice.isLast) {
        stream.beginning = undefined;
        beginning.close();
        for (const record of beginning.behind) stream.controller.enqueue(record);
        return;
      }
      if (slice.bytes.length > 0) break;
    }
    beginning.stalled = setTimeout(() => this.#cut(streamId, stream), STALLED_MS);
  }

  /** Undefined: the stream has ended meanwhile, or ends now. */
  #sliceOf(
    streamId: StreamId,
    stream: OpenStream,
    pieces: Iterator<Uint8Array | string>,
  ): Slice | undefined {
    if (this.#open.get(streamId) !== stream) return undefined;
    try {
      return takeSlice(pieces);
    } catch (error) {
      console.error(`the state for an operator could not be made: ${String(error)}`);
      this.#cut(streamId, stream);
      return undefined;
    }
  }

  #cutLargest(): void {
    const bySize = [...this.#open]
      .map(([streamId, stream]) => ({ streamId, stream, bytes: queuedBytes(stream) }))
      .sort((a, b) => b.bytes - a.bytes);
    this.#queuedAtMost = bySize.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { streamId, stream, bytes } of bySize) {
      if (this.#queuedAtMost <= ALL_STREAMS_QUEUED_BYTES) return;
      this.#queuedAtMost -= bytes;
      this.#cut(streamId, stream);
    }
  }

  /** Ends the stream with an error, which also throws away what it has queued. */
  #cut(streamId: StreamId, { controller }: OpenStream): void {
    if (this.#forget(streamId) === undefined) return;
    controller.error(new Error("the reader of this event stream is too slow; subscribe again"));
    this.#onEnd(streamId, "READ_TOO_SLOWLY");
  }

  /** Undefined: it was not open any more. */
  #forget(streamId: StreamId): OpenStream | undefined {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return undefined;
    this.#open.delete(streamId);
    this.#subscribed.delete(streamId);
    if (stream.beginning !== undefined) {
      const { stalled, close } = stream.beginning;
      if (stalled !== undefined) clearTimeout(stalled);
      close();
    }
    return stream;
  }

  #encode(any: AnyEvent, encoding: MessageEncoding): Uint8Array {
    const { event } = any;
    const last = this.#encoded.get(encoding);
    if (last !== undefined && last.event === event) return last.record;
    const content =
      any.api === "SCHEDULER"
        ? encodeEvent("mesos.v1.scheduler.Event", any.event, encoding)
        : encodeEvent("mesos.v1.master.Event", any.event, encoding);
    const record = encodeRecord(content);
    this.#encoded.set(encoding, { event, record });
    return record;
  }
}

function encodeEvent<N extends "mesos.v1.scheduler.Event" | "mesos.v1.master.Event">(
  name: N,
  event: Messages[N],
  encoding: MessageEncoding,
): Uint8Array {
  switch (encoding) {
    case "application/json":
      return new TextEncoder().encode(encodeJson(name, event));
    case "application/x-protobuf":
      return encodeProtobuf(name, event);
    default:
      return unreachable(encoding);
  }
}

function newBeginning(onBegun: () => void): Beginning {
  let started: ((pieces: Iterator<Uint8Array | string>) => void) | undefined;
  const ready = new Promise<Iterator<Uint8Array | string>>((resolve) => {
    started = resolve;
  });
  const beginning: Beginning = {
    ready,
    start: (read) => {
      assert(started !== undefined, "a promise's executor runs at once");
      beginning.close = () => {
        read.close();
        onBegun();
      };
      started(read.pieces[Symbol.iterator]());
    },
    close: onBegun,
    behind: [],
    behindBytes: 0,
    stalled: undefined,
  };
  return beginning;
}

function queuedBytes({ controller, beginning }: OpenStream): number {
  return (beginning?.behindBytes ?? 0) - (controller.desiredSize ?? 0);
}
