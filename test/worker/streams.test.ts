/** Event streams: headers, readers that stall, readers that go away. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import {
  EVENTS_STALLED_MS,
  STREAM_QUEUED_BYTES,
  type StreamEnd,
  Streams,
} from "../../worker/durable/streams.ts";
import type { StreamId } from "../../worker/protocol/ids.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { masterStub, request, TestAgent, TestFramework } from "./cluster.ts";

afterEach(reset);

test("the answer to SUBSCRIBE has exactly the headers that clients need", async () => {
  const { response } = await TestFramework.subscribe();
  expect(response.headers.get("Content-Type")).toBe("application/json");
  expect(response.headers.get("Content-Encoding")).toBe("identity");
  expect(response.headers.get("Cache-Control")).toBe("no-transform");
  expect(response.headers.get("Mesos-Stream-Id")).toMatch(/^[0-9a-f-]{36}$/);
});

test("the first two records are SUBSCRIBED and HEARTBEAT", async () => {
  const framework = await TestFramework.subscribe();
  expect((await framework.nextEvent())?.type).toBe("HEARTBEAT");
});

test("a second SUBSCRIBE of a framework ends its first stream with an ERROR", async () => {
  const first = await TestFramework.subscribe({ failover_timeout: 3600 });
  await TestFramework.subscribe({ failover_timeout: 3600 }, { id: first.id });
  expect((await first.next("ERROR")).error?.message).toBe("Framework failed over");
  expect(await first.ends()).toBe(true);
  expect((await first.call("REVIVE")).status).toBe(400);
});

test("a stalled reader is cut off, and its framework is disconnected", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 3600 });
  const agent = await TestAgent.register();
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  await framework.launch(offer, "t1");
  await agent.commands();
  // Nobody reads the stream from here on, and messages of an executor fill it.
  const data = btoa("x".repeat(600_000));
  for (let sent = 0; sent < 12; sent++) {
    const message = {
      framework_id: { value: framework.id },
      executor_id: { value: "t1" },
      data,
    };
    await agent.sendMessage(message);
  }
  const { frameworks } = await (await request("/frameworks")).json<{
    frameworks: { id: string; connected: boolean }[];
  }>();
  expect(frameworks).toMatchObject([{ id: framework.id, connected: false }]);
});

const heartbeat: scheduler.Event = { type: "HEARTBEAT" };
function message(bytes: number): scheduler.Event {
  const data = new Uint8Array(bytes);
  return {
    type: "MESSAGE",
    message: { agent_id: { value: "a" }, executor_id: { value: "e" }, data },
  };
}

/** Runs inside an object, where streams behave as they do for the master. */
function inObject(
  run: (log: string[], streams: Streams) => void | Promise<void>,
  nowMs: () => number = Date.now,
): Promise<string[]> {
  return runInDurableObject(masterStub(), async () => {
    const log: string[] = [];
    const onEnd = (streamId: StreamId, cause: StreamEnd): void =>
      void log.push(`${streamId} ${cause}`);
    await run(log, new Streams({ onEnd, nowMs }));
    return log;
  });
}

test("a reader is cut at 1 MB unread, and one that reads is not", async () => {
  const log = await inObject(async (_, streams) => {
    streams.open("stalled" as StreamId, "application/json");
    const reader = streams.open("reading" as StreamId, "application/json").getReader();
    for (let sent = 0; sent < 4; sent++) {
      streams.send("stalled" as StreamId, message(STREAM_QUEUED_BYTES / 4));
      const read = reader.read();
      streams.send("reading" as StreamId, message(STREAM_QUEUED_BYTES / 4));
      await read;
    }
  });
  expect(log).toEqual(["stalled READ_TOO_SLOWLY"]);
});

test("a reader that takes nothing for 75 s is cut at the next event, one that takes a little is not", async () => {
  let nowMs = 0;
  const names = ["gone", "left", "slow", "waits"];
  const log = await inObject(
    async (_, streams) => {
      const bodies = names.map((name) => streams.open(name as StreamId, "application/json"));
      const [, left, slow, waits] = bodies.map((body) => body.getReader());
      const send = (): void => {
        for (const name of names) streams.send(name as StreamId, heartbeat);
      };
      const reading = (async () => {
        while ((await waits?.read())?.done === false);
      })();
      send();
      send();
      // It takes what there is and never comes back for more.
      await left?.read();
      await left?.read();
      for (let heartbeats = 0; heartbeats < 4; heartbeats++) {
        await slow?.read();
        nowMs += EVENTS_STALLED_MS / 2;
        send();
      }
      streams.close("waits" as StreamId);
      await reading;
      // Held until here: of a stream that nobody holds the platform throws the queue away.
      expect(bodies).toHaveLength(names.length);
    },
    () => nowMs,
  );
  expect(log).toEqual(["gone READ_TOO_SLOWLY", "left READ_TOO_SLOWLY"]);
});

test("a stream that nobody holds any more has lost its client", async () => {
  const log = await inObject(async (ends, streams) => {
    streams.open("gone" as StreamId, "application/json");
    streams.send("gone" as StreamId, heartbeat);
    // The platform frees it when it collects garbage.
    for (let rounds = 0; rounds < 100 && ends.length === 0; rounds++) {
      Array.from({ length: 100_000 }, (_, at) => ({ at }));
      await new Promise((resolve) => setTimeout(resolve, 1));
      streams.send("gone" as StreamId, heartbeat);
    }
  });
  expect(log).toEqual(["gone CLIENT_CLOSED"]);
});

test("when all readers together leave 20 MB unread, the one that leaves most is cut", async () => {
  const log = await inObject((_, streams) => {
    const ids = Array.from({ length: 40 }, (_, at) => `s${at}` as StreamId);
    // Kept: workerd frees a stream that nobody holds, with all that is queued in it.
    const bodies = ids.map((id) => streams.open(id, "application/json"));
    for (const id of ids) streams.send(id, message(id === "s7" ? 750_000 : 393_000));
    expect(bodies).toHaveLength(ids.length);
  });
  expect(log).toEqual(["s7 READ_TOO_SLOWLY"]);
});

test("one event for many readers is encoded once, and a closed stream ends after what it was sent", async () => {
  await inObject(async (log, streams) => {
    const readers = ["a", "b"].map((id) =>
      streams.open(id as StreamId, "application/json").getReader(),
    );
    streams.send("a" as StreamId, heartbeat);
    streams.send("b" as StreamId, heartbeat);
    streams.close("a" as StreamId);
    const [a, b] = await Promise.all(readers.map((reader) => reader.read()));
    expect(new TextDecoder().decode(a?.value)).toBe('20\n{"type":"HEARTBEAT"}');
    expect(a?.value).toBe(b?.value);
    expect((await readers[0]?.read())?.done).toBe(true);
    await readers[1]?.cancel();
    expect(log).toEqual(["b CLIENT_CLOSED"]);
  });
});
