/** What goes into containers and comes out of them, as streams of records. */
import type * as agent from "../protocol/v1/agent.ts";
import { describeDecodeError } from "../protocol/wire/json.ts";
import { decodeProtobuf, encodeProtobuf } from "../protocol/wire/protobuf.ts";
import { describeRecordError, encodeRecord, RecordDecoder } from "../protocol/wire/record-io.ts";
import { SchedulerError } from "./error.ts";
import { failure } from "./master-client.ts";

/** An agent reads a container in pieces of 64 KiB. */
const RECORD_BYTES = 4 * 1024 * 1024;

/** The records of an answer, in application/x-protobuf. Ends with it. */
export async function* processOutput(
  response: Response,
  signal: AbortSignal,
): AsyncGenerator<agent.ProcessIO, void> {
  const { url } = response;
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new RecordDecoder(RECORD_BYTES);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const { records, error } = decoder.push(value);
      for (const record of records) yield processIo(record);
      if (error !== undefined) throw protocolError(describeRecordError(error));
    }
    const end = decoder.end();
    if (!end.ok) throw brokenOff(url);
  } catch (cause) {
    if (SchedulerError.is(cause)) throw cause;
    throw signal.aborted ? failure(cause, url, signal) : brokenOff(url);
  } finally {
    // That nobody reads any more ends the container's session.
    reader.cancel().catch(() => {});
  }
}

function brokenOff(url: string): SchedulerError {
  const why = "its agent was restarted or lost, or the connection was";
  return new SchedulerError("STREAM_ENDED", `the output broke off (${url}): ${why}`);
}

function processIo(record: Uint8Array): agent.ProcessIO {
  const decoded = decodeProtobuf("mesos.v1.agent.ProcessIO", record);
  if (decoded.ok) return decoded.value;
  throw protocolError(describeDecodeError(decoded.error));
}

function protocolError(problem: string): SchedulerError {
  return new SchedulerError("PROTOCOL", `the agent's output makes no sense: ${problem}`);
}

/** Each part as one record of an ATTACH_CONTAINER_INPUT, made when it is wanted. */
export function inputRecords(
  parts: AsyncIterable<agent.CallAttachContainerInput>,
): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await iterator.next();
        if (done === true) return controller.close();
        const call = { type: "ATTACH_CONTAINER_INPUT", attach_container_input: value } as const;
        controller.enqueue(encodeRecord(encodeProtobuf("mesos.v1.agent.Call", call)));
      },
      cancel: async () => {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
