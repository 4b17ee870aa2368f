import { describe, expect, test } from "vitest";
import type * as wire from "../../worker/protocol/v1/scheduler.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeRecord } from "../../worker/protocol/wire/record-io.ts";
import type { Decoded } from "../../worker/sdk/event.ts";
import { eventStream } from "../../worker/sdk/event-stream.ts";
import { anOffer, aUuid } from "./fake-master.ts";

const EVENTS: readonly wire.Event[] = [
  { type: "SUBSCRIBED", subscribed: { framework_id: { value: "F1" } } },
  { type: "HEARTBEAT" },
  { type: "OFFERS", offers: { offers: [anOffer("O1", { hostname: "züri-東京-🚀" })] } },
  {
    type: "UPDATE",
    update: { status: { task_id: { value: "t" }, state: "TASK_RUNNING", uuid: aUuid(7) } },
  },
];

function bytesOf(events: readonly wire.Event[]): Uint8Array {
  const records = events.map((event) =>
    encodeRecord(new TextEncoder().encode(encodeJson("mesos.v1.scheduler.Event", event))),
  );
  return Uint8Array.from(records.flatMap((record) => [...record]));
}

/** Everything that comes out, and the error that ends it. */
async function read(chunks: readonly Uint8Array[]) {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const decoded: Decoded[] = [];
  try {
    const stream = eventStream({
      response: new Response(body),
      url: "http://m",
      resumed: false,
      subscribeTimeoutMs: 1_000,
      heartbeatsMissedMax: 5,
      signal: new AbortController().signal,
    });
    for await (const event of stream) decoded.push(event);
  } catch (error) {
    return { decoded, error };
  }
  throw new Error("a stream never ends well");
}

const bytes = bytesOf(EVENTS);
const whole = await read([bytes]);

test("a stream in one chunk gives all its events, then its end", () => {
  expect(whole.decoded.map((it) => it.kind === "EVENT" && it.event.type)).toEqual([
    "SUBSCRIBED",
    "HEARTBEAT",
    "OFFERS",
    "UPDATE",
  ]);
  expect(whole.decoded[2]).toMatchObject({ event: { offers: [{ hostname: "züri-東京-🚀" }] } });
  expect(whole.error).toMatchObject({ code: "STREAM_ENDED" });
});

test("a stream cut in two at any byte gives the same events", async () => {
  for (let at = 0; at <= bytes.length; at++) {
    const { decoded } = await read([bytes.slice(0, at), bytes.slice(at)]);
    expect(decoded, `cut at ${at}`).toEqual(whole.decoded);
  }
});

test("a stream that comes byte by byte gives the same events", async () => {
  const { decoded } = await read(Array.from(bytes, (byte) => Uint8Array.of(byte)));
  expect(decoded).toEqual(whole.decoded);
});

describe("a stream that makes no sense ends as PROTOCOL, after the events before it", () => {
  const text = (content: string) => new TextEncoder().encode(content);
  test.each([
    ["no length", text("abc\n{}")],
    ["no JSON", encodeRecord(text("{nope"))],
    ["no event", encodeRecord(text('{"type":"UPDATE","update":{"status":{}}}'))],
    ["an event without its part", encodeRecord(text('{"type":"OFFERS"}'))],
  ])("%s", async (_, garbage) => {
    const { decoded, error } = await read([bytesOf(EVENTS.slice(0, 2)), garbage]);
    expect(decoded).toHaveLength(2);
    expect(error).toMatchObject({ code: "PROTOCOL", message: expect.stringContaining("http://m") });
  });
});
