import { expect, test } from "vitest";
import { anOffer, aUuid, FakeMaster } from "./fake-master.ts";
import { gate, start, TASK } from "./start-scheduler.ts";

test("a lost stream is opened again with the framework's id, and a DISCONNECTED event says why", async () => {
  const master = new FakeMaster();
  const { events, seen } = start(master);
  await master.until(() => events.length === 2);
  master.cut();
  await master.until(() => seen("SUBSCRIBED").length === 2);
  expect(seen("SUBSCRIBED")).toMatchObject([{ resumed: false }, { resumed: true }]);
  expect(seen("DISCONNECTED")).toMatchObject([{ error: { code: "STREAM_ENDED" } }]);
  expect(master.callsOf("SUBSCRIBE")[0]?.framework_id).toBeUndefined();
  expect(master.callsOf("SUBSCRIBE")[1]).toMatchObject({
    framework_id: { value: "F1" },
    subscribe: { framework_info: { id: { value: "F1" } } },
  });
});

test("a master that is away is tried again with growing pauses until it is back", async () => {
  const master = new FakeMaster();
  master.away = true;
  const { events, seen } = start(master);
  await master.until(() => seen("DISCONNECTED").length === 4);
  const pauses = seen("DISCONNECTED").map((event) => {
    if (event.type !== "DISCONNECTED") throw new Error("filtered");
    expect(event.error.code).toBe("UNAVAILABLE");
    expect(event.error.message).toContain("ECONNREFUSED");
    return event.retry_in_ms;
  });
  expect(pauses).toEqual([3, 6, 12, 15]);
  master.away = false;
  await master.until(() => seen("SUBSCRIBED").length === 1);
  expect(events.at(-1)?.type).toBe("HEARTBEAT");
});

test("silence of several heartbeat intervals ends a stream", async () => {
  const master = new FakeMaster();
  master.heartbeatSeconds = 0.01;
  const { seen } = start(master, { heartbeatsMissedMax: 5 });
  await master.until(() => seen("SUBSCRIBED").length === 2);
  expect(seen("DISCONNECTED")).toMatchObject([{ error: { code: "HEARTBEAT_LOST" } }]);
});

test("the master's heartbeats keep a stream alive, however slow the author's code is", async () => {
  const master = new FakeMaster();
  master.heartbeatSeconds = 0.02;
  const { seen, run } = start(master, { heartbeatsMissedMax: 3 });
  await master.until(() => seen("SUBSCRIBED").length === 1);
  run.onEvent = () => new Promise((resolve) => setTimeout(resolve, 200));
  for (let beat = 0; beat < 12; beat++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    master.send({ type: "HEARTBEAT" });
  }
  expect(master.callsOf("SUBSCRIBE")).toHaveLength(1);
  expect(seen("DISCONNECTED")).toEqual([]);
});

test("a subscription that is answered without events is given up after its time", async () => {
  const master = new FakeMaster();
  master.welcomes = false;
  const { seen } = start(master, { subscribeTimeoutMs: 30 });
  await master.until(() => seen("DISCONNECTED").length >= 1);
  expect(seen("DISCONNECTED")[0]).toMatchObject({ error: { code: "HEARTBEAT_LOST" } });
});

test("after a re-subscription every living task is asked about, again and again until each is answered", async () => {
  const master = new FakeMaster();
  const { scheduler, events, seen } = start(master);
  await master.until(() => events.length === 2);
  const tasks = ["t1", "t2", "t3"].map((value) => ({ ...TASK, task_id: { value } }));
  await scheduler.launch(anOffer("O1"), tasks);
  master.update("t2", "TASK_FINISHED");
  await master.until(() => seen("UPDATE").length === 1);
  expect(master.callsOf("RECONCILE")).toEqual([]);
  master.cut();
  await master.until(() => master.callsOf("RECONCILE").length === 1);
  const asked = (at: number) =>
    master.callsOf("RECONCILE")[at]?.reconcile?.tasks?.map(({ task_id }) => task_id.value);
  expect(asked(0)).toEqual(["t1", "t3"]);
  master.update("t1", "TASK_RUNNING");
  await master.until(() => master.callsOf("RECONCILE").length === 2);
  expect(asked(1)).toEqual(["t3"]);
  master.update("t3", "TASK_LOST");
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(master.callsOf("RECONCILE")).toHaveLength(2);
});

test("a task whose ACCEPT was lost is asked about", async () => {
  const master = new FakeMaster();
  const { scheduler, events } = start(master);
  await master.until(() => events.length === 2);
  master.refusals.push({ type: "ACCEPT", answer: () => new Response("", { status: 503 }) });
  const launch = scheduler.launch(anOffer("O1"), [TASK]);
  await expect(launch).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
  await master.until(() => master.callsOf("RECONCILE").length === 1);
  expect(master.callsOf("ACCEPT")).toHaveLength(1);
  expect(master.callsOf("SUBSCRIBE")).toHaveLength(1);
  master.update("t1", "TASK_LOST");
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(master.callsOf("RECONCILE")).toHaveLength(1);
});

test("a scheduler that takes a framework over asks for all of its tasks once", async () => {
  const master = new FakeMaster();
  const framework = { user: "", name: "test", id: { value: "F7" } };
  const { events, seen } = start(master, { framework });
  await master.until(() => events.length === 2);
  await master.until(() => master.callsOf("RECONCILE").length === 1);
  expect(master.callsOf("RECONCILE")[0]).toMatchObject({ framework_id: { value: "F7" } });
  expect(master.callsOf("RECONCILE")[0]?.reconcile?.tasks).toBeUndefined();
  expect(seen("SUBSCRIBED")).toMatchObject([{ framework_id: { value: "F7" } }]);
});

test("offers that nobody looked at before the stream was lost are thrown away, updates are kept", async () => {
  const master = new FakeMaster();
  const { events, seen, run } = start(master);
  await master.until(() => events.length === 2);
  const handler = gate();
  run.onEvent = () => handler.opened;
  master.offer(anOffer("O1"));
  await master.until(() => events.length === 3);
  master.offer(anOffer("O2"));
  master.update("t1", "TASK_RUNNING", { uuid: aUuid(1) });
  await new Promise((resolve) => setTimeout(resolve, 10));
  master.cut();
  await master.until(() => master.callsOf("SUBSCRIBE").length === 2);
  handler.open();
  await master.until(() => seen("SUBSCRIBED").length === 2);
  expect(seen("OFFERS")).toHaveLength(1);
  expect(seen("UPDATE")).toHaveLength(1);
});

test("a kill outlives a lost stream; an accept does not", async () => {
  const master = new FakeMaster();
  const { events, scheduler } = start(master);
  await master.until(() => events.length === 2);
  master.refusals.push({ type: "KILL", answer: () => new Response("", { status: 503 }) });
  master.cut();
  await master.until(() => !scheduler.subscribed);
  await expect(scheduler.accept({})).rejects.toMatchObject({ code: "NOT_SUBSCRIBED" });
  await scheduler.kill({ task_id: { value: "t1" } });
  expect(master.callsOf("KILL")).toHaveLength(2);
});

test("a call whose stream the master does not know any more makes the scheduler subscribe again", async () => {
  const master = new FakeMaster();
  const { seen, scheduler } = start(master);
  await master.until(() => seen("SUBSCRIBED").length === 1);
  const answer = () => new Response("Framework is not subscribed", { status: 403 });
  master.refusals.push({ type: "REVIVE", answer });
  await scheduler.revive();
  expect(master.callsOf("REVIVE")).toHaveLength(2);
  expect(master.callsOf("SUBSCRIBE")).toHaveLength(2);
  expect(seen("DISCONNECTED")).toMatchObject([{ error: { code: "NOT_SUBSCRIBED", status: 403 } }]);
});

test("suppressed roles stay suppressed over a re-subscription", async () => {
  const master = new FakeMaster();
  const roles = ["a", "b"];
  const { seen, scheduler } = start(master, { framework: { user: "", name: "t", roles } });
  await master.until(() => seen("SUBSCRIBED").length === 1);
  await scheduler.suppress();
  await scheduler.revive({ roles: ["a"] });
  master.cut();
  await master.until(() => seen("SUBSCRIBED").length === 2);
  expect(master.callsOf("SUBSCRIBE").map((call) => call.subscribe?.suppressed_roles)).toEqual([
    undefined,
    ["b"],
  ]);
});

test("a refused framework ends the subscription with the master's words", async () => {
  const master = new FakeMaster();
  master.welcomes = false;
  const { failed } = start(master);
  await master.until(() => master.connected);
  master.send({ type: "ERROR", error: { message: "Role 'a b' is ill-formed" } });
  expect(await failed).toMatchObject({
    code: "REFUSED",
    message: "the master ended the subscription: Role 'a b' is ill-formed",
  });
  expect(master.callsOf("SUBSCRIBE")).toHaveLength(1);
});

test("a framework that failed over to another instance does not fight for its id", async () => {
  const master = new FakeMaster();
  const { failed, events } = start(master);
  await master.until(() => events.length === 2);
  master.send({ type: "ERROR", error: { message: "Framework failed over" } });
  expect(await failed).toMatchObject({ code: "FAILED_OVER" });
  expect(master.callsOf("SUBSCRIBE")).toHaveLength(1);
});

test.each([
  [401, "", "UNAUTHENTICATED"],
  [403, "no", "FORBIDDEN"],
  [404, "", "NOT_FOUND"],
  [415, "", "UNSUPPORTED"],
  [400, "Failed to validate scheduler::Call", "INVALID_CALL"],
])("a subscription answered with %i is not tried again", async (status, body, code) => {
  const master = new FakeMaster();
  master.refusals.push({ type: "SUBSCRIBE", answer: () => new Response(body, { status }) });
  const { failed } = start(master);
  expect(await failed).toMatchObject({ code, status });
  expect(master.callsOf("SUBSCRIBE")).toHaveLength(1);
});

test.each([429, 500, 502, 503])(
  "a subscription answered with %i is tried again",
  async (status) => {
    const master = new FakeMaster();
    master.refusals.push({ type: "SUBSCRIBE", answer: () => new Response("", { status }) });
    const { seen } = start(master);
    await master.until(() => seen("SUBSCRIBED").length === 1);
    expect(seen("DISCONNECTED")).toMatchObject([{ error: { code: "UNAVAILABLE", status } }]);
  },
);

test("teardown ends the subscription without an error, also when the master was away", async () => {
  const master = new FakeMaster();
  const { scheduler, events, failed, seen } = start(master);
  await master.until(() => events.length === 2);
  master.away = true;
  master.cut();
  await master.until(() => seen("DISCONNECTED").length >= 1);
  const torn = scheduler.teardown();
  master.away = false;
  await torn;
  expect(await failed).toBeUndefined();
  expect(master.callsOf("TEARDOWN")).toHaveLength(1);
});

test("a framework that an operator removed ends with FRAMEWORK_REMOVED", async () => {
  const master = new FakeMaster();
  const { events, failed } = start(master);
  await master.until(() => events.length === 2);
  master.send({ type: "ERROR", error: { message: "Framework has been removed" } });
  expect(await failed).toMatchObject({ code: "FRAMEWORK_REMOVED" });
});
