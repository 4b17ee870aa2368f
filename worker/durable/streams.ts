/**
 * The open event streams. One RecordIO record per write; an event is encoded once for all its
 * readers.
 *
 * 1. A reader that leaves more than `STREAM_QUEUED_BYTES` unread is cut off. 2. All readers
 * together leave at most `ALL_STREAMS_QUEUED_BYTES`: the one that leaves most is cut first. workerd
 * itself buffers for a stalled reader without any bound; `desiredSize` tells the truth about it. 3.
 * The owner hears of every end that it did not ask for, once.
 */
import type { StreamId } from "../protocol/ids.ts";
import type * as scheduler from "../protocol/v1/scheduler.ts";
import type { MessageEncoding } from "../protocol/wire/encoding.ts";
import { encodeJson } from "../protocol/wire/json.ts";
import { encodeProtobuf } from "../protocol/wire/protobuf.ts";
import { encodeRecord } from "../protocol/wire/record-io.ts";
import { unreachable } from "../std/assert.ts";

/** What is unread by one reader, and by all together: the object has 128 MB for everything. */
export const STREAM_QUEUED_BYTES = 1024 * 1024;
export const ALL_STREAMS_QUEUED_BYTES = 20 * 1024 * 1024;

interface OpenStream {
  readonly encoding: MessageEncoding;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

export type StreamEnd = "CLIENT_CLOSED" | "READ_TOO_SLOWLY";

export class Streams {
  readonly #open = new Map<StreamId, OpenStream>();
  readonly #onEnd: (streamId: StreamId, cause: StreamEnd) => void;
  /** At least what is queued in all streams together; counted again when it passes the limit. */
  #queuedAtMost = 0;
  #encoded: { event: scheduler.Event; encoding: MessageEncoding; record: Uint8Array } | undefined;

  constructor(options: { readonly onEnd: (streamId: StreamId, cause: StreamEnd) => void }) {
    this.#onEnd = options.onEnd;
  }

  get size(): number {
    return this.#open.size;
  }

  open(streamId: StreamId, encoding: MessageEncoding): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#open.set(streamId, { encoding, controller });
        },
        cancel: () => {
          // The reader is gone; workerd tells at the next write, so at the latest with the next
          // heartbeat.
          if (this.#open.delete(streamId)) this.#onEnd(streamId, "CLIENT_CLOSED");
        },
      },
      { highWaterMark: 0, size: (record) => record?.byteLength ?? 0 },
    );
  }

  /**
   * Sends to a stream that is gone go nowhere: its reader is told everything again when it returns.
   */
  send(streamId: StreamId, event: scheduler.Event): void {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return;
    const record = this.#encode(event, stream.encoding);
    stream.controller.enqueue(record);
    if (queuedBytes(stream) > STREAM_QUEUED_BYTES) this.#cut(streamId, stream);
    this.#queuedAtMost += record.byteLength;
    if (this.#queuedAtMost > ALL_STREAMS_QUEUED_BYTES) this.#cutLargest();
  }

  /** Ends the stream after everything sent so far. */
  close(streamId: StreamId): void {
    const stream = this.#open.get(streamId);
    this.#open.delete(streamId);
    stream?.controller.close();
  }

  closeAll(): void {
    for (const streamId of [...this.#open.keys()]) this.close(streamId);
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
    if (!this.#open.delete(streamId)) return;
    controller.error(new Error("the reader of this event stream is too slow; subscribe again"));
    this.#onEnd(streamId, "READ_TOO_SLOWLY");
  }

  #encode(event: scheduler.Event, encoding: MessageEncoding): Uint8Array {
    const last = this.#encoded;
    if (last !== undefined && last.event === event && last.encoding === encoding) {
      return last.record;
    }
    const record = encodeRecord(encodeEvent(event, encoding));
    this.#encoded = { event, encoding, record };
    return record;
  }
}

function encodeEvent(event: scheduler.Event, encoding: MessageEncoding): Uint8Array {
  switch (encoding) {
    case "application/json":
      return new TextEncoder().encode(encodeJson("mesos.v1.scheduler.Event", event));
    case "application/x-protobuf":
      return encodeProtobuf("mesos.v1.scheduler.Event", event);
    default:
      return unreachable(encoding);
  }
}

function queuedBytes({ controller }: OpenStream): number {
  return -(controller.desiredSize ?? 0);
}
