/** One task's life through the Worker, the master object and the relay object. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { rowsWritten } from "../../worker/durable/master-object.ts";
import { masterStub, request, TestAgent, TestFramework } from "./cluster.ts";

afterEach(reset);

test("a task goes from an offer through the agent's link to its acknowledged end", async () => {
  const framework = await TestFramework.subscribe();
  expect((await framework.nextEvent())?.type).toBe("HEARTBEAT");
  const agent = await TestAgent.register();
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  expect(offer.agent_id.value).toBe(agent.id);

  const accepted = await framework.launch(offer, "t1");
  expect(accepted.status).toBe(202);
  expect(await accepted.text()).toBe("");
  expect(accepted.headers.get("Content-Type")).toBeNull();

  const [run] = await agent.commands();
  expect(run?.type).toBe("RUN_TASK");
  expect(run?.run_task?.task.task_id.value).toBe("t1");
  for (const state of ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]) {
    expect(
      (await agent.reportState(framework.id, "t1", { state, run: run?.number ?? 0 })).status,
    ).toBe(200);
    const status = (await framework.next("UPDATE")).update?.status;
    expect(status?.state).toBe(state);
    const { task_id, agent_id, uuid } = status ?? {};
    const acknowledge = { task_id, agent_id, uuid };
    expect((await framework.call("ACKNOWLEDGE", { acknowledge })).status).toBe(202);
  }
  const tasks = await (await request("/tasks")).json<{ tasks: { state: string }[] }>();
  expect(tasks.tasks.map(({ state }) => state)).toEqual(["TASK_FINISHED"]);
});

function rows(): Promise<number> {
  return runInDurableObject(masterStub(), (master) => master[rowsWritten]());
}

test("a task's life costs at most 10 rows", async () => {
  const framework = await TestFramework.subscribe();
  const agent = await TestAgent.register({ cpus: 64 });
  const before = await rows();
  for (let task = 0; task < 20; task++) {
    const offer = (await framework.next("OFFERS")).offers?.offers[0];
    if (offer === undefined) throw new Error("an offer is expected");
    await framework.launch(offer, `t${task}`);
    const run = (await agent.commands()).find(({ type }) => type === "RUN_TASK")?.number ?? 0;
    // A command task starts and runs in one report, as the agent sends it.
    for (const states of [["TASK_STARTING", "TASK_RUNNING"], ["TASK_FINISHED"]]) {
      await agent.reportStates(framework.id, `t${task}`, { states, run });
      for (const _ of states) {
        const { task_id, agent_id, uuid } = (await framework.next("UPDATE")).update?.status ?? {};
        await framework.call("ACKNOWLEDGE", { acknowledge: { task_id, agent_id, uuid } });
      }
    }
    await framework.call("REVIVE");
  }
  const perTask = ((await rows()) - before) / 20;
  expect(perTask).toBeGreaterThan(5);
  expect(perTask).toBeLessThanOrEqual(10);
});
