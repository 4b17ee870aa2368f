/** What must happen happens, also when nobody calls: alarms are the backstop of every timer row. */
import {
  abortAllDurableObjects,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { masterStub, relayStub, request, sleep, TestAgent, TestFramework } from "./cluster.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await reset();
});

function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

function alarmMs(): Promise<number | null> {
  return runInDurableObject(masterStub(), (_, state) => state.storage.getAlarm());
}

async function frameworks(): Promise<{ running: string[]; completed: string[] }> {
  type Answer = { frameworks: { id: string }[]; completed_frameworks: { id: string }[] };
  const answer = await (await request("/frameworks")).json<Answer>();
  return {
    running: answer.frameworks.map(({ id }) => id),
    completed: answer.completed_frameworks.map(({ id }) => id),
  };
}

async function unreachableAgents(): Promise<number> {
  return (await (await request("/state")).json<{ unreachable_slaves: number }>())
    .unreachable_slaves;
}

test("a framework's failover timeout passes although the object slept through it", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 90 });
  await framework.close();
  // The end of the stream is noticed with the next write to it.
  await TestAgent.register();
  await sleep(50);
  await abortAllDurableObjects();
  passTime(60_000);
  expect(await runDurableObjectAlarm(masterStub())).toBe(true);
  expect((await frameworks()).running).toEqual([framework.id]);
  passTime(60_000);
  expect(await runDurableObjectAlarm(masterStub())).toBe(true);
  expect(await frameworks()).toEqual({ running: [], completed: [framework.id] });
});

test("the alarm is set once, not with every turn", async () => {
  const framework = await TestFramework.subscribe();
  const set = await alarmMs();
  expect(set).toBeGreaterThan(Date.now());
  for (let call = 0; call < 5; call++) {
    passTime(1_000);
    expect((await framework.call("REVIVE")).status).toBe(202);
  }
  expect(await alarmMs()).toBe(set);
});

test("an idle cluster sets no alarm and so may sleep for ever", async () => {
  expect((await request("/state")).status).toBe(200);
  expect(await alarmMs()).toBeNull();
});

test("agents that vanish together with their relay become unreachable", async () => {
  const agents = [
    await TestAgent.register(),
    await TestAgent.register(),
    await TestAgent.register(),
  ];
  for (const agent of agents) void agent.poll();
  await sleep(50);
  await abortAllDurableObjects();
  // Nobody calls the relay any more: only the master's watch, by its own alarm, wakes it.
  passTime(80_000);
  await runDurableObjectAlarm(masterStub());
  passTime(80_000);
  await runDurableObjectAlarm(masterStub());
  await sleep(100);
  expect(await unreachableAgents()).toBe(0);
  passTime(76_000);
  expect(await runDurableObjectAlarm(relayStub())).toBe(true);
  await sleep(100);
  expect(await unreachableAgents()).toBe(3);
});

test("an agent that was unreachable and comes back is told to register again", async () => {
  const agent = await TestAgent.register();
  void agent.poll();
  await sleep(50);
  passTime(76_000);
  await runDurableObjectAlarm(relayStub());
  await sleep(50);
  expect(await unreachableAgents()).toBe(1);
  expect((await agent.poll()).status).toBe(409);
  const back = await TestAgent.register({ id: agent.id });
  expect(back.id).toBe(agent.id);
  expect(await unreachableAgents()).toBe(0);
});
