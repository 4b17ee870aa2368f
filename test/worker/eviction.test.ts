/**
 * An object may lose its memory between any two calls; nothing that was acknowledged is lost with
 * it.
 */
import { abortAllDurableObjects, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import migrations from "../../migrations/master/migrations.js";
import {
  masterStub,
  relayStub,
  request,
  TestAgent,
  TestFramework,
  type TestOffer,
} from "./cluster.ts";

afterEach(reset);

async function firstOffer(framework: TestFramework): Promise<TestOffer> {
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  return offer;
}

async function taskStates(): Promise<string[]> {
  const answer = await (await request("/tasks")).json<{ tasks: { state: string }[] }>();
  return answer.tasks.map(({ state }) => state);
}

test("a task goes on although both objects lose their memory between any two calls", async () => {
  const info = { failover_timeout: 0, checkpoint: false };
  let framework = await TestFramework.subscribe(info);
  const { id } = framework;
  const resubscribe = async (): Promise<void> => {
    await abortAllDurableObjects();
    framework = await TestFramework.subscribe(info, { id });
  };
  await abortAllDurableObjects();
  const agent = await TestAgent.register();
  await resubscribe();
  // The agent's relay has lost it as well; its next message brings it back.
  void agent.poll();
  const offer = await firstOffer(framework);
  expect((await framework.launch(offer, "t1")).status).toBe(202);
  await resubscribe();
  const [run] = await agent.commands();
  expect(run?.run_task?.task.task_id.value).toBe("t1");
  await resubscribe();
  for (const state of ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]) {
    const reported = { state, run: run?.number ?? 0 };
    expect((await agent.reportState(id, "t1", reported)).status).toBe(200);
    const status = (await framework.next("UPDATE")).update?.status;
    expect(status?.state).toBe(state);
    const { task_id, agent_id, uuid } = status ?? {};
    const acknowledge = { task_id, agent_id, uuid };
    expect((await framework.call("ACKNOWLEDGE", { acknowledge })).status).toBe(202);
    await resubscribe();
    expect(await taskStates()).toEqual([state]);
  }
});

test("a framework without a failover timeout keeps its tasks when the object restarts", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 0 });
  const agent = await TestAgent.register();
  await framework.launch(await firstOffer(framework), "t1");
  const [run] = await agent.commands();
  await agent.reportState(framework.id, "t1", { state: "TASK_RUNNING", run: run?.number ?? 0 });
  await abortAllDurableObjects();
  expect(await taskStates()).toEqual(["TASK_RUNNING"]);
  const { frameworks } = await (await request("/frameworks")).json<{
    frameworks: { id: string; connected: boolean; recovered: boolean }[];
  }>();
  expect(frameworks).toMatchObject([{ id: framework.id, connected: false }]);
});

test("a framework without a failover timeout that closes its stream loses its tasks", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 0 });
  const agent = await TestAgent.register();
  await framework.launch(await firstOffer(framework), "t1");
  expect((await agent.commands())[0]?.type).toBe("RUN_TASK");
  await framework.close();
  // The end of a stream is noticed with the next write to it, here the offer of a new agent.
  await TestAgent.register();
  const commands = await agent.commands();
  expect(commands.map(({ type }) => type)).toContain("SHUTDOWN_FRAMEWORK");
});

test("a command that is not acknowledged is sent again after the master alone has restarted", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 3600 });
  const agent = await TestAgent.register();
  await framework.launch(await firstOffer(framework), "t1");
  const [first] = await agent.commands();
  agent.acknowledged = 0;
  await runInDurableObject(masterStub(), (_, state) => state.abort("evicted")).catch(() => {});
  const [again] = await agent.commands();
  expect(again?.number).toBe(first?.number);
});

test("ids are never given twice, whatever is lost", async () => {
  const first = await TestFramework.subscribe({ failover_timeout: 3600 });
  const agent = await TestAgent.register();
  const offer = await firstOffer(first);
  await abortAllDurableObjects();
  const second = await TestFramework.subscribe({ failover_timeout: 3600 });
  const other = await TestAgent.register();
  expect(second.id).not.toBe(first.id);
  expect(other.id).not.toBe(agent.id);
  expect((await firstOffer(second)).id.value).not.toBe(offer.id.value);
});

test("a relay knows its name and its agents again after it was evicted", async () => {
  const agent = await TestAgent.register();
  void agent.poll();
  await runInDurableObject(relayStub(), (_, state) => state.storage.sync());
  await abortAllDurableObjects();
  const name = await runInDurableObject(relayStub(), (_, state) => state.storage.get("relayId"));
  expect(name).toBe(agent.relayId);
  const framework = await TestFramework.subscribe();
  await framework.launch(await firstOffer(framework), "t1");
  expect((await agent.commands())[0]?.type).toBe("RUN_TASK");
});

test("a poll of an older session is told to register again", async () => {
  const old = await TestAgent.register();
  await TestAgent.register({ id: old.id });
  const response = await old.poll();
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ code: "REGISTER_AGAIN" });
});

test("the rows of a cluster are where the migrations put them", async () => {
  await TestFramework.subscribe();
  await TestAgent.register();
  const tables = await runInDurableObject(
    env.MASTER.get(env.MASTER.idFromName("default")),
    (_, state) => {
      const names = state.storage.sql
        .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
        .toArray();
      const count = (table: string): number =>
        state.storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
      return {
        names: names.map(({ name }) => name),
        migrations: count("__drizzle_migrations"),
        frameworks: count("framework"),
        agents: count("agent"),
      };
    },
  );
  expect(tables.names).toContain("task_body");
  const known = migrations.journal.entries.length;
  expect(tables).toMatchObject({ migrations: known, frameworks: 1, agents: 1 });
  await abortAllDurableObjects();
  const after = await runInDurableObject(masterStub(), (_, state) =>
    state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM __drizzle_migrations").one(),
  );
  expect(after.n).toBe(known);
});
