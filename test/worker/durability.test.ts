/** Persist before send: the fault hook holds durability back, and nothing may leave meanwhile. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { delayDurability, failNextSave } from "../../worker/durable/master-object.ts";
import { parseReproduction } from "../../worker/durable/reproduction.ts";
import { masterStub, request, sleep, TestAgent, TestFramework } from "./cluster.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

/** Nothing of the master becomes durable until the returned function is called. */
async function holdDurability(): Promise<() => void> {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  await runInDurableObject(masterStub(), (master) => master[delayDurability](gate));
  return release;
}

test("no byte of OFFERS leaves before its rows are durable", async () => {
  const framework = await TestFramework.subscribe();
  await framework.arrived(50);
  const release = await holdDurability();
  await TestAgent.register();
  expect(await framework.arrived(200)).toEqual([]);
  release();
  expect((await framework.next("OFFERS")).offers?.offers).toHaveLength(1);
});

test("no byte of an UPDATE leaves before its rows are durable", async () => {
  const framework = await TestFramework.subscribe();
  const agent = await TestAgent.register();
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  await framework.launch(offer, "t1");
  const [run] = await agent.commands();
  const release = await holdDurability();
  const reported = agent.reportState(framework.id, "t1", {
    state: "TASK_RUNNING",
    run: run?.number ?? 0,
  });
  expect(await framework.arrived(200)).toEqual([]);
  release();
  expect((await framework.next("UPDATE")).update?.status.state).toBe("TASK_RUNNING");
  expect((await reported).status).toBe(200);
});

test("no command reaches the agent before its rows are durable", async () => {
  const framework = await TestFramework.subscribe();
  const agent = await TestAgent.register();
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  const commands = agent.commands();
  await sleep(50);
  const release = await holdDurability();
  await framework.launch(offer, "t1");
  expect(await Promise.race([commands, sleep(200)])).toBeUndefined();
  release();
  expect((await commands)[0]?.type).toBe("RUN_TASK");
});

test("a turn whose transaction fails changes nothing, is logged, and the master goes on", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 3600 });
  const agent = await TestAgent.register();
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  const logged = vi.spyOn(console, "error").mockImplementation(() => {});
  await runInDurableObject(masterStub(), (master) => master[failNextSave]());

  expect((await framework.launch(offer, "t1")).status).toBe(500);
  expect(await framework.ends()).toBe(true);
  const line = logged.mock.calls.map(([text]) => String(text)).find((text) => text.startsWith("{"));
  const { input } = parseReproduction(line ?? "");
  expect(input.type === "SCHEDULER_CALL" && input.call.type).toBe("ACCEPT");
  const { tasks } = await (await request("/tasks")).json<{ tasks: unknown[] }>();
  expect(tasks).toEqual([]);

  const again = await TestFramework.subscribe({ failover_timeout: 3600 }, { id: framework.id });
  const fresh = (await again.next("OFFERS")).offers?.offers[0];
  if (fresh === undefined) throw new Error("an offer is expected");
  expect((await again.launch(fresh, "t1")).status).toBe(202);
  expect((await agent.commands()).map(({ type }) => type)).toEqual(["RUN_TASK"]);
});
