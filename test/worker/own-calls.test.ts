/** Rimrock's own questions through the edge and over RPC; what is tried leaves nothing behind. */
import { abortAllDurableObjects, reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { rowsWritten } from "../../worker/durable/master-object.ts";
import { masterStub, post, request, TestAgent, TestFramework } from "./cluster.ts";

afterEach(reset);

function written(): Promise<number> {
  return runInDurableObject(masterStub(), (master) => master[rowsWritten]());
}

interface Why {
  readonly standings: readonly { readonly last_offer_seconds?: number }[];
  readonly groups: readonly { readonly reason: string; readonly text: string }[];
}

async function why(): Promise<Why> {
  const answer = await request("/why?framework=test");
  expect(answer.status).toBe(200);
  return answer.json<Why>();
}

test("why is answered from the live state; a restart does not know of offers before it", async () => {
  const framework = await TestFramework.subscribe({ failover_timeout: 60 });
  await TestAgent.register({});
  await framework.next("OFFERS");
  const before = await why();
  expect(before.groups).toMatchObject([{ reason: "OFFERED" }]);
  expect(before.standings[0]?.last_offer_seconds).toBeTypeOf("number");
  await abortAllDurableObjects();
  const after = await why();
  expect(after.standings[0]?.last_offer_seconds).toBeUndefined();
  expect(after.groups[0]?.text).toContain("free");
});

test("a trial stores nothing, tells nobody, and can be made again", async () => {
  const framework = await TestFramework.subscribe({ roles: ["web"], ...multiRole });
  const agent = await TestAgent.register({ capabilities: ["MULTI_ROLE"] });
  await framework.next("OFFERS");
  const rows = await written();
  const trial = {
    quotas: [{ role: "web", limits: { cpus: 0 } }],
    agents: [{ like: agent.id, count: 3 }],
    tasks: [{ resources: "cpus:1", count: 2, role: "ops" }],
  };
  const answers = [];
  for (let times = 0; times < 2; times++) {
    const answer = await post("/what-if", trial);
    expect(answer.status).toBe(200);
    answers.push(await answer.json<{ tasks: readonly { placed: number }[] }>());
  }
  expect(answers[0]?.tasks[0]?.placed).toBe(2);
  expect(answers[1]).toEqual(answers[0]);
  expect(await written()).toBe(rows);
  const told = await framework.arrived(100);
  expect(told.filter(({ type }) => type !== "HEARTBEAT")).toEqual([]);
});

const multiRole = { capabilities: [{ type: "MULTI_ROLE" }] };
