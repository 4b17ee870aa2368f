/** Offer operations and task groups outlive the objects that they were asked of. */
import { abortAllDurableObjects, reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { post, scalar, TestAgent, TestFramework, type TestOffer } from "./cluster.ts";

afterEach(reset);

const info = {
  failover_timeout: 0,
  roles: ["web"],
  capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
};
const capabilities = ["MULTI_ROLE", "RESOURCE_PROVIDER", "AGENT_OPERATION_FEEDBACK"];
const reservations = [{ type: "DYNAMIC", role: "web" }];

async function firstOffer(framework: TestFramework): Promise<TestOffer> {
  const offer = (await framework.next("OFFERS")).offers?.offers[0];
  if (offer === undefined) throw new Error("an offer is expected");
  return offer;
}

async function operations(): Promise<readonly { latest_status: { state: string } }[]> {
  const answer = await post("/api/v1", { type: "GET_OPERATIONS" });
  const body = await answer.json<{ get_operations: { operations?: [] } }>();
  return body.get_operations.operations ?? [];
}

test("an operation is finished and acknowledged although the objects lose their memory", async () => {
  let framework = await TestFramework.subscribe(info);
  const { id } = framework;
  const agent = await TestAgent.register({ capabilities });
  const offer = await firstOffer(framework);
  const resources = [{ ...scalar("mem", 64), reservations }];
  const operation = { type: "RESERVE", id: { value: "op" }, reserve: { resources } };
  const accept = { offer_ids: [offer.id], operations: [operation] };
  expect((await framework.call("ACCEPT", { accept })).status).toBe(202);
  await abortAllDurableObjects();
  expect((await operations()).map((each) => each.latest_status.state)).toEqual([
    "OPERATION_PENDING",
  ]);
  const [command] = await agent.commands();
  expect(command?.type).toBe("APPLY_OPERATION");
  // The next poll says that it is on the agent's disk.
  void agent.poll();
  await abortAllDurableObjects();
  framework = await TestFramework.subscribe(info, { id });
  void agent.poll();
  const { update_operation_status: told } = await framework.next("UPDATE_OPERATION_STATUS");
  expect(told?.status).toMatchObject({
    operation_id: { value: "op" },
    state: "OPERATION_FINISHED",
  });
  const acknowledge_operation_status = {
    agent_id: { value: agent.id },
    operation_id: { value: "op" },
    uuid: told?.status.uuid?.value,
  };
  const call = { acknowledge_operation_status };
  expect((await framework.call("ACKNOWLEDGE_OPERATION_STATUS", call)).status).toBe(202);
  await abortAllDurableObjects();
  expect(await operations()).toEqual([]);
  framework = await TestFramework.subscribe(info, { id });
  void agent.poll();
  const { resources: offered } = await firstOffer(framework);
  expect(offered).toContainEqual(expect.objectContaining({ name: "mem", reservations }));
});

test("a group is launched once although the objects lose their memory", async () => {
  let framework = await TestFramework.subscribe(info);
  const { id } = framework;
  const agent = await TestAgent.register({ capabilities, disk: 100 });
  const offer = await firstOffer(framework);
  const executor = {
    type: "DEFAULT",
    executor_id: { value: "e" },
    framework_id: { value: id },
    resources: [scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 1)],
  };
  const tasks = ["t1", "t2"].map((name) => ({
    name,
    task_id: { value: name },
    agent_id: offer.agent_id,
    resources: [scalar("cpus", 0.5)],
    command: { value: "true" },
  }));
  const group = { type: "LAUNCH_GROUP", launch_group: { executor, task_group: { tasks } } };
  const accept = { offer_ids: [offer.id], operations: [group] };
  expect((await framework.call("ACCEPT", { accept })).status).toBe(202);
  await abortAllDurableObjects();
  const [first] = await agent.commands();
  await abortAllDurableObjects();
  agent.acknowledged = 0;
  const [second] = await agent.commands();
  expect(first?.type).toBe("RUN_TASK_GROUP");
  expect(second).toEqual(first);
  framework = await TestFramework.subscribe(info, { id });
  const run = first?.number ?? 0;
  expect((await agent.reportState(id, "t2", { state: "TASK_RUNNING", run })).status).toBe(200);
  const status = (await framework.next("UPDATE")).update?.status;
  expect([status?.task_id.value, status?.state]).toEqual(["t2", "TASK_RUNNING"]);
});
