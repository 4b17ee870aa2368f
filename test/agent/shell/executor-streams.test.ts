import { afterEach, expect, test, vi } from "vitest";
import { ExecutorStreams } from "../../../agent/shell/executor-streams.ts";
import type * as executor from "../../../worker/protocol/v1/executor.ts";

afterEach(() => {
  vi.useRealTimers();
});

const encode = ({ type, message }: executor.Event): Uint8Array =>
  message === undefined ? Buffer.from(type ?? "") : message.data;
const never = new AbortController().signal;

/** What comes until the stream ends. */
async function all(records: AsyncGenerator<Uint8Array>): Promise<string[]> {
  const texts: string[] = [];
  for await (const record of records) texts.push(Buffer.from(record).toString());
  return texts;
}

test("a stream gives what was sent, in order, also what was sent before its end", async () => {
  const streams = new ExecutorStreams();
  const ended = vi.fn();
  const { connection, records } = bound(streams.open(encode, ended));
  streams.send(connection, { type: "SUBSCRIBED" });
  const read = all(records(never));
  await Promise.resolve();
  streams.send(connection, { type: "LAUNCH" });
  streams.send(connection + 1, { type: "ERROR" });
  streams.send(connection, { type: "SHUTDOWN" });
  streams.close(connection);
  streams.send(connection, { type: "KILL" });
  expect(await read).toEqual(["SUBSCRIBED", "LAUNCH", "SHUTDOWN"]);
  streams.close(connection);
  expect(ended).toHaveBeenCalledTimes(1);
});

test("no two streams have the same number", () => {
  const streams = new ExecutorStreams();
  const numbers = Array.from({ length: 5 }, () => streams.open(encode, () => {}).connection);
  streams.closeAll();
  numbers.push(streams.open(encode, () => {}).connection);
  streams.closeAll();
  expect(new Set(numbers).size).toBe(6);
});

test("an executor that does not read loses its stream, and what waited for it", async () => {
  const streams = new ExecutorStreams();
  const ended = vi.fn();
  const { connection, records } = bound(streams.open(encode, ended));
  const megabyte = { type: "MESSAGE", message: { data: new Uint8Array(1024 * 1024) } } as const;
  for (let at = 0; at < 16; at++) streams.send(connection, megabyte);
  expect(ended).not.toHaveBeenCalled();
  streams.send(connection, { type: "LAUNCH" });
  expect(ended).toHaveBeenCalledTimes(1);
  expect(await all(records(never))).toEqual([]);
});

test("a client that goes ends its stream", async () => {
  const streams = new ExecutorStreams();
  const ended = vi.fn();
  const gone = new AbortController();
  const { records } = bound(streams.open(encode, ended));
  const read = all(records(gone.signal));
  gone.abort();
  expect(await read).toEqual([]);
  expect(ended).toHaveBeenCalledTimes(1);
});

test("the first heartbeat comes after half an hour, and then every half hour", async () => {
  vi.useFakeTimers();
  const streams = new ExecutorStreams();
  const { connection, records } = bound(streams.open(encode, () => {}));
  const minutes = (count: number) => vi.advanceTimersByTime(count * 60_000);
  minutes(29);
  streams.send(connection, { type: "LAUNCH" });
  minutes(1);
  streams.send(connection, { type: "KILL" });
  minutes(30);
  streams.close(connection);
  minutes(60);
  expect(await all(records(never))).toEqual(["LAUNCH", "HEARTBEAT", "KILL", "HEARTBEAT"]);
});

/** With its method bound, so that it can be taken apart. */
function bound(stream: ReturnType<ExecutorStreams["open"]>) {
  return {
    connection: stream.connection,
    records: (signal: AbortSignal) => stream.records(signal),
  };
}
