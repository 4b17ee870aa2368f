/**
 * One subscription: the open response, read record by record and watched.
 *
 * It ends by throwing a `SchedulerError`, always: a scheduler stream has no good end. While the
 * reader is not asking for the next event (its author is slow) the watch stands still, so that only
 * silence of the master counts.
 */
import { ANSWER_BYTES, ANSWER_JSON } from "../protocol/limits.ts";
import { decodeJsonWithin, describeDecodeError } from "../protocol/wire/json.ts";
import { describeRecordError, RecordDecoder } from "../protocol/wire/record-io.ts";
import { SchedulerError } from "./error.ts";
import { type Decoded, fromWire } from "./event.ts";
import { failure } from "./master-client.ts";

export interface EventStreamOptions {
  readonly response: Response;
  /** For messages to people. */
  readonly url: string;
  /** True when this scheduler was subscribed before. */
  readonly resumed: boolean;
  /** The longest wait for SUBSCRIBED, the first event; ms. */
  readonly subscribeTimeoutMs: number;
  /** So many heartbeat intervals without a byte mean a dead stream. */
  readonly heartbeatsMissedMax: number;
  readonly signal: AbortSignal;
}

export async function* eventStream(options: EventStreamOptions): AsyncGenerator<Decoded, never> {
  const { response, url } = options;
  if (response.body === null) throw protocolError(url, "the answer to SUBSCRIBE has no body");
  const reader = response.body.getReader();
  const decoder = new RecordDecoder(ANSWER_BYTES);
  let timeoutMs = options.subscribeTimeoutMs;
  try {
    for (;;) {
      const chunk = await watched(reader, timeoutMs, options);
      const split = decoder.push(chunk);
      for (const record of split.records) {
        const decoded = decodeRecord(record, options);
        if (decoded.kind === "EVENT" && decoded.event.type === "SUBSCRIBED") {
          const { heartbeat_interval_seconds: seconds } = decoded.event;
          timeoutMs = seconds * 1_000 * options.heartbeatsMissedMax;
        }
        yield decoded;
      }
      if (split.error !== undefined) throw protocolError(url, describeRecordError(split.error));
    }
  } finally {
    // Whatever ended the reading, the master should notice; that it cannot be told is no news.
    reader.cancel().catch(() => {});
  }
}

/** The next chunk. Throws on silence, at the end, on a broken connection and when aborted. */
async function watched(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  timeoutMs: number,
  options: EventStreamOptions,
): Promise<Uint8Array> {
  const { url, signal } = options;
  let stop = (): void => {};
  const stopped = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason);
    const silence = (): void => {
      const seconds = Math.round(timeoutMs / 100) / 10;
      reject(new SchedulerError("HEARTBEAT_LOST", `nothing came from ${url} for ${seconds} s`));
    };
    const timer = setTimeout(silence, timeoutMs);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
  });
  try {
    const { done, value } = await Promise.race([reader.read(), stopped]);
    if (!done) return value;
  } catch (cause) {
    throw failure(cause, url, signal);
  } finally {
    stop();
  }
  throw new SchedulerError("STREAM_ENDED", `${url} ended the event stream`);
}

function decodeRecord(record: Uint8Array, options: EventStreamOptions): Decoded {
  const text = new TextDecoder().decode(record);
  const event = decodeJsonWithin("mesos.v1.scheduler.Event", text, ANSWER_JSON);
  if (!event.ok) throw protocolError(options.url, describeDecodeError(event.error));
  const decoded = fromWire(event.value, options.resumed);
  if (decoded.ok) return decoded.value;
  throw protocolError(options.url, `a ${event.value.type} event has no "${decoded.error}"`);
}

function protocolError(url: string, problem: string): SchedulerError {
  return new SchedulerError("PROTOCOL", `the event stream of ${url} makes no sense: ${problem}`);
}
