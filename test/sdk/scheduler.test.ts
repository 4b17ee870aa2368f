import { afterEach, expect, test } from "vitest";
import { SchedulerError } from "../../worker/sdk/error.ts";
import type { SchedulerEvent } from "../../worker/sdk/event.ts";
import { Scheduler, type SchedulerOptions } from "../../worker/sdk/scheduler.ts";
import { anOffer, aUuid, FakeMaster, MASTER_URL } from "./fake-master.ts";

const abort: AbortController[] = [];
afterEach(() => {
  for (const controller of abort.splice(0)) controller.abort();
});

const TASK = { name: "t", task_id: { value: "t1" }, command: { value: "true" } };

/** A scheduler on a fake master, whose events are collected until the test's end. */
function start(master: FakeMaster, options: Partial<SchedulerOptions> = {}) {
  const scheduler = new Scheduler({
    master: MASTER_URL,
    framework: { user: "", name: "test" },
    transport: master.transport,
    backOff: { initialMs: 4, maxMs: 20 },
    reconcileBackOff: { initialMs: 30, maxMs: 30 },
    random: () => 0.5,
    ...options,
  });
  const controller = new AbortController();
  abort.push(controller);
  const events: SchedulerEvent[] = [];
  const run = { onEvent: async (_event: SchedulerEvent): Promise<void> => {} };
  const done = (async () => {
    for await (const event of scheduler.subscribe({ signal: controller.signal })) {
      events.push(event);
      await run.onEvent(event);
    }
  })();
  const failed = done.then(
    () => undefined,
    (error: unknown) => error,
  );
  const seen = (type: SchedulerEvent["type"]) => events.filter((event) => event.type === type);
  return { scheduler, events, seen, failed, controller, run };
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

test("a subscription gives typed events in the order the master sent them", async () => {
  const master = new FakeMaster();
  const { events, scheduler } = start(master);
  await master.until(() => events.length === 2);
  master.offer(anOffer("O1"), anOffer("O2"));
  master.send({ type: "RESCIND", rescind: { offer_id: { value: "O2" } } });
  master.send({ type: "FAILURE", failure: { agent_id: { value: "A9" } } });
  await master.until(() => events.length === 5);
  expect(events.map(({ type }) => type)).toEqual([
    "SUBSCRIBED",
    "HEARTBEAT",
    "OFFERS",
    "RESCIND",
    "FAILURE",
  ]);
  expect(events[2]).toMatchObject({ offers: [{ id: { value: "O1" } }, { id: { value: "O2" } }] });
  expect(scheduler.frameworkId).toBe("F1");
});

test("an OFFERS event without offers has an empty list, and unknown event types are passed over", async () => {
  const master = new FakeMaster();
  const { events } = start(master);
  await master.until(() => events.length === 2);
  master.send({ type: "UNKNOWN" });
  master.send({ type: "OFFERS", offers: {} });
  await master.until(() => events.length === 3);
  expect(events[2]).toEqual({ type: "OFFERS", offers: [] });
});

test("calls carry the framework's id and the stream's id, and launch fills in the offer's agent", async () => {
  const master = new FakeMaster();
  const { scheduler, events } = start(master);
  await master.until(() => events.length === 2);
  await scheduler.launch(anOffer("O1"), [TASK], { filters: { refuse_seconds: 1 } });
  expect(master.callsOf("ACCEPT")).toMatchObject([
    {
      framework_id: { value: "F1" },
      accept: {
        offer_ids: [{ value: "O1" }],
        filters: { refuse_seconds: 1 },
        operations: [
          { type: "LAUNCH", launch: { task_infos: [{ ...TASK, agent_id: { value: "A1" } }] } },
        ],
      },
    },
  ]);
});

test("a call before the subscription is refused with what to wait for", async () => {
  const scheduler = new Scheduler({
    master: MASTER_URL,
    framework: { user: "", name: "test" },
    transport: new FakeMaster().transport,
  });
  await expect(scheduler.accept({})).rejects.toMatchObject({ code: "NOT_SUBSCRIBED" });
  await expect(scheduler.kill({ task_id: { value: "t" } })).rejects.toMatchObject({
    code: "NOT_SUBSCRIBED",
  });
  await expect(scheduler.decline({})).resolves.toBeUndefined();
});

test("an update is acknowledged only after the author's code has finished with it", async () => {
  const master = new FakeMaster();
  const { run, events } = start(master);
  await master.until(() => events.length === 2);
  const handler = gate();
  run.onEvent = () => handler.opened;
  master.update("t1", "TASK_RUNNING", { uuid: aUuid(1) });
  await master.until(() => events.length === 3);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(master.callsOf("ACKNOWLEDGE")).toEqual([]);
  handler.open();
  await master.until(() => master.callsOf("ACKNOWLEDGE").length === 1);
  expect(master.callsOf("ACKNOWLEDGE")[0]).toMatchObject({
    acknowledge: { uuid: aUuid(1), task_id: { value: "t1" }, agent_id: { value: "A1" } },
  });
});

test("an update without uuid, or of a scheduler that acknowledges itself, is not acknowledged", async () => {
  const master = new FakeMaster();
  const { events } = start(master);
  await master.until(() => events.length === 2);
  master.update("t1", "TASK_LOST");
  master.send({ type: "HEARTBEAT" });
  await master.until(() => events.length === 4);
  expect(master.callsOf("ACKNOWLEDGE")).toEqual([]);

  const other = new FakeMaster();
  const explicit = start(other, { acknowledge: "EXPLICIT" });
  await other.until(() => explicit.events.length === 2);
  other.update("t1", "TASK_RUNNING", { uuid: aUuid(1) });
  other.update("t1", "TASK_RUNNING", { uuid: aUuid(1) });
  await other.until(() => explicit.seen("UPDATE").length === 2);
  expect(other.callsOf("ACKNOWLEDGE")).toEqual([]);
  const [update] = explicit.seen("UPDATE");
  if (update?.type === "UPDATE") await explicit.scheduler.acknowledge(update.status);
  expect(other.callsOf("ACKNOWLEDGE")).toHaveLength(1);
});

test("an update that comes again is acknowledged again and not delivered twice", async () => {
  const master = new FakeMaster();
  const { events, seen } = start(master);
  await master.until(() => events.length === 2);
  master.update("t1", "TASK_FINISHED", { uuid: aUuid(1) });
  await master.until(() => master.callsOf("ACKNOWLEDGE").length === 1);
  master.update("t1", "TASK_FINISHED", { uuid: aUuid(1) });
  await master.until(() => master.callsOf("ACKNOWLEDGE").length === 2);
  expect(seen("UPDATE")).toHaveLength(1);
});

test("an update repeated while its handler still works is neither delivered twice nor acknowledged early", async () => {
  const master = new FakeMaster();
  const { events, seen, run } = start(master);
  await master.until(() => events.length === 2);
  const handler = gate();
  run.onEvent = () => handler.opened;
  master.update("t1", "TASK_RUNNING", { uuid: aUuid(1) });
  master.update("t1", "TASK_RUNNING", { uuid: aUuid(1) });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(master.callsOf("ACKNOWLEDGE")).toEqual([]);
  handler.open();
  await master.until(() => master.callsOf("ACKNOWLEDGE").length === 1);
  expect(seen("UPDATE")).toHaveLength(1);
});

test("an update whose handler failed is delivered again to the next subscription", async () => {
  const master = new FakeMaster();
  const { run, failed, events, scheduler } = start(master);
  await master.until(() => events.length === 2);
  run.onEvent = () => Promise.reject(new Error("disk full"));
  master.update("t1", "TASK_FINISHED", { uuid: aUuid(1) });
  expect(await failed).toMatchObject({ message: "disk full" });
  expect(master.callsOf("ACKNOWLEDGE")).toEqual([]);
  expect(master.connected).toBe(false);

  const again = scheduler.subscribe();
  await again.next();
  master.update("t1", "TASK_FINISHED", { uuid: aUuid(1) });
  await again.next();
  expect((await again.next()).value).toMatchObject({ type: "UPDATE" });
  await again.return();
});

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

test("a redirect to the leader is followed with the same call, and later calls go there", async () => {
  const master = new FakeMaster();
  const asked: string[] = [];
  const { scheduler, events } = start(master, {
    transport: {
      send: (request, signal) => {
        const url = new URL(request.url);
        asked.push(`${url.host} ${request.headers.get("Mesos-Stream-Id")}`);
        if (url.host === "leader.test:5050") return master.transport.send(request, signal);
        const Location = `//leader.test:5050${url.pathname}`;
        return Promise.resolve(new Response(null, { status: 307, headers: { Location } }));
      },
    },
  });
  await master.until(() => events.length === 2);
  await scheduler.suppress();
  expect(asked).toEqual([
    "master.test:5050 null",
    "leader.test:5050 null",
    "leader.test:5050 stream-1",
  ]);
  expect(scheduler.masterUrl).toBe("http://leader.test:5050");
});

test("aborting ends the subscription quietly and closes the stream", async () => {
  const master = new FakeMaster();
  const { controller, failed, events } = start(master);
  await master.until(() => events.length === 2);
  controller.abort();
  expect(await failed).toBeUndefined();
  await master.until(() => !master.connected);
});

test("aborting a call rejects it and leaves the subscription up", async () => {
  const master = new FakeMaster();
  const { scheduler, events } = start(master);
  await master.until(() => events.length === 2);
  const error = await scheduler
    .accept({}, { signal: AbortSignal.abort() })
    .catch((cause: unknown) => cause);
  expect(SchedulerError.is(error, "ABORTED")).toBe(true);
  expect(scheduler.subscribed).toBe(true);
});

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

test("run awaits each type's own handler before the next event", async () => {
  const master = new FakeMaster();
  const scheduler = new Scheduler({
    master: MASTER_URL,
    framework: { user: "", name: "test" },
    transport: master.transport,
  });
  const order: string[] = [];
  const running = scheduler.run({
    SUBSCRIBED: async ({ framework_id }) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      order.push(`subscribed ${framework_id.value}`);
      master.offer(anOffer("O1"));
    },
    OFFERS: async ({ offers }) => {
      order.push(`offers ${offers.length}`);
      await scheduler.teardown();
    },
  });
  await running;
  expect(order).toEqual(["subscribed F1", "offers 1"]);
});

test("a second loop on one scheduler is refused", async () => {
  const master = new FakeMaster();
  const { scheduler, events } = start(master);
  await master.until(() => events.length === 2);
  await expect(scheduler.subscribe().next()).rejects.toMatchObject({ code: "INVALID_CALL" });
});

test("a URL that is none is refused at once", () => {
  const framework = { user: "", name: "test" };
  expect(() => new Scheduler({ master: "localhost:5050", framework })).toThrow(/no master URL/);
});
