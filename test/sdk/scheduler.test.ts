import { expect, test } from "vitest";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Scheduler } from "../../worker/sdk/scheduler.ts";
import { anOffer, aUuid, FakeMaster, MASTER_URL } from "./fake-master.ts";
import { gate, start, TASK } from "./start-scheduler.ts";

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
