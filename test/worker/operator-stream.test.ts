/** The stream of operator events, end to end. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { takeSnapshot } from "../../worker/core/operator/snapshot.ts";
import { createState } from "../../worker/core/state.ts";
import { delayDurability } from "../../worker/durable/master-object.ts";
import { STREAM_QUEUED_BYTES, Streams } from "../../worker/durable/streams.ts";
import type { StreamId } from "../../worker/protocol/ids.ts";
import type * as master from "../../worker/protocol/v1/master.ts";
import { decodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { RecordDecoder } from "../../worker/protocol/wire/record-io.ts";
import { masterStub, post, request, sleep, TestAgent, TestFramework } from "./cluster.ts";

afterEach(reset);

const PROTOBUF = "application/x-protobuf";

function subscribe(accept = "application/json"): Promise<Response> {
  return post("/api/v1", { type: "SUBSCRIBE" }, { Accept: accept });
}

test("it begins with the state and a HEARTBEAT, and has no stream id", async () => {
  const response = await subscribe();
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("application/json");
  expect(response.headers.get("Content-Encoding")).toBe("identity");
  expect(response.headers.get("Cache-Control")).toBe("no-transform");
  expect(response.headers.has("Mesos-Stream-Id")).toBe(false);
  const events = new TestFramework(response);
  expect(await events.nextEvent()).toMatchObject({
    type: "SUBSCRIBED",
    subscribed: {
      get_state: { get_tasks: { tasks: [] }, get_agents: { agents: [] } },
      heartbeat_interval_seconds: 15,
    },
  });
  expect(await events.nextEvent()).toEqual({ type: "HEARTBEAT" });
});

test("events follow in their order, and every operator hears them", async () => {
  const operators = [new TestFramework(await subscribe()), new TestFramework(await subscribe())];
  const framework = await TestFramework.subscribe();
  const agent = await TestAgent.register();
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  await framework.launch(offer, "t1");
  const [run] = await agent.commands();
  await agent.reportState(framework.id, "t1", { state: "TASK_RUNNING", run: run?.number ?? 0 });
  await framework.call("TEARDOWN");
  for (const operator of operators) {
    await operator.next("FRAMEWORK_ADDED");
    const types = ["AGENT_ADDED", "TASK_ADDED", "TASK_UPDATED", "TASK_UPDATED"];
    for (const type of [...types, "FRAMEWORK_REMOVED"]) {
      expect((await operator.nextEvent())?.type).toBe(type);
    }
  }
});

test("in protobuf it says the same", async () => {
  await TestAgent.register();
  const response = await subscribe(PROTOBUF);
  expect(response.headers.get("Content-Type")).toBe(PROTOBUF);
  const decoder = new RecordDecoder(1024 * 1024);
  const events: master.Event[] = [];
  for await (const chunk of response.body ?? []) {
    for (const record of decoder.push(chunk).records) {
      const event = decodeProtobuf("mesos.v1.master.Event", record);
      if (!event.ok) throw new Error(event.error.code);
      events.push(event.value);
    }
    if (events.length === 2) break;
  }
  expect(events.map(({ type }) => type)).toEqual(["SUBSCRIBED", "HEARTBEAT"]);
  expect(events[0]?.subscribed?.get_state?.get_agents?.agents).toHaveLength(1);
});

test("no byte leaves before its rows are durable, and what came after the state comes behind it", async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await request("/state");
  await runInDurableObject(masterStub(), (object) => object[delayDurability](gate));
  const operator = new TestFramework(await subscribe());
  await TestAgent.register();
  expect(await operator.arrived(200)).toEqual([]);
  release();
  const subscribed = await operator.nextEvent();
  expect(subscribed).toMatchObject({
    type: "SUBSCRIBED",
    subscribed: { get_state: { get_agents: { agents: [] } } },
  });
  expect((await operator.nextEvent())?.type).toBe("HEARTBEAT");
  expect((await operator.nextEvent())?.type).toBe("AGENT_ADDED");
});

test("what waits behind the state counts as unread, and what is read leaves its place", async () => {
  const log = await runInDurableObject(masterStub(), async () => {
    const ended: string[] = [];
    const onEnd = (streamId: StreamId): void => void ended.push(streamId);
    const streams = new Streams({ onEnd });
    const cold = { get: () => undefined, range: () => [] };
    for (const name of ["reads", "stalls"]) {
      const onBegun = (): void => void ended.push(`${name} has begun`);
      const body = streams.openForOperator(name as StreamId, "application/json", onBegun);
      streams.begin(name as StreamId, takeSnapshot(createState({ cold })));
      const reader = body.getReader();
      if (name === "reads")
        void (async () => {
          while (!(await reader.read()).done);
        })();
    }
    await sleep(50);
    const status = {
      task_id: { value: "t" },
      state: "TASK_RUNNING",
      message: "x".repeat(STREAM_QUEUED_BYTES / 3),
    } as const;
    for (let sent = 0; sent < 4; sent++) {
      const task_updated = { framework_id: { value: "f" }, status, state: status.state };
      streams.publish({ type: "TASK_UPDATED", task_updated });
      await sleep(20);
    }
    return ended;
  });
  expect(log).toEqual(["reads has begun", "stalls has begun", "stalls"]);
});

test("a framework of which the front door says that it hung up is gone at once", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 0 });
  const stays = await TestFramework.subscribe({ failover_timeout: 0 });
  await masterStub().hungUp(framework.streamId as StreamId);
  await masterStub().hungUp("no such stream" as StreamId);
  const { frameworks } = await (await request("/frameworks")).json<{
    frameworks: { id: string }[];
  }>();
  expect(frameworks.map(({ id }) => id)).toEqual([stays.id]);
});
