/** What a container writes as the stream of ProcessIO that clients read (http-semantics 9.3). */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { encodeRecord } from "../../worker/protocol/wire/record-io.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { OutputReader } from "../shell/containers/output.ts";

/** Mesos' default of `http_heartbeat_interval`. */
export const HEARTBEAT_MS = 30_000;

export interface RecordsOptions {
  readonly encoding: MessageEncoding;
  /** The client has gone. */
  readonly signal: AbortSignal;
  readonly heartbeatMs: number;
}

/** One record for each piece, and a heartbeat whenever none came for so long. Closes the reader. */
export async function* outputRecords(
  reader: OutputReader,
  { encoding, signal, heartbeatMs }: RecordsOptions,
): AsyncGenerator<Uint8Array, void> {
  const close = (): void => reader.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    while (!signal.aborted) {
      const next = reader.next();
      let piece = await within(heartbeatMs, next);
      for (; piece === LATE; piece = await within(heartbeatMs, next)) {
        yield recordOf(heartbeat(heartbeatMs), encoding);
      }
      if (piece === undefined) return;
      const { stream: type, data } = piece;
      yield recordOf({ type: "DATA", data: { type, data } }, encoding);
    }
  } finally {
    signal.removeEventListener("abort", close);
    reader.close();
  }
}

function heartbeat(intervalMs: number): agent.ProcessIO {
  const interval = { nanoseconds: BigInt(intervalMs) * 1_000_000n };
  return { type: "CONTROL", control: { type: "HEARTBEAT", heartbeat: { interval } } };
}

function recordOf(message: agent.ProcessIO, encoding: MessageEncoding): Uint8Array {
  switch (encoding) {
    case "application/json":
      return encodeRecord(Buffer.from(encodeJson("mesos.v1.agent.ProcessIO", message)));
    case "application/x-protobuf":
      return encodeRecord(encodeProtobuf("mesos.v1.agent.ProcessIO", message));
    default:
      return unreachable(encoding);
  }
}

const LATE = Symbol("late");

async function within<T>(ms: number, promise: Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, ms, LATE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
