/**
 * Rimrock's own changes on the platform itself: what was answered is there when the object has lost
 * its memory.
 */
import { abortAllDurableObjects, reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { request } from "./cluster.ts";

afterEach(reset);

function put(path: string, body: unknown): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return request(path, { method: "PUT", headers, body: JSON.stringify(body) });
}

async function read<T>(path: string): Promise<T> {
  const answer = await request(path);
  expect(answer.status, path).toBe(200);
  return answer.json<T>();
}

test("the policy, the priorities and who changed them outlive the object's memory", async () => {
  expect(await read("/policy")).toEqual({
    policy: "drf",
    policies: ["drf", "priority", "random"],
  });
  expect((await put("/policy", { policy: "priority" })).status).toBe(200);
  const priorities = [{ role: "prod", priority: 10 }];
  expect((await put("/priorities", { priorities })).status).toBe(200);
  await abortAllDurableObjects();
  expect(await read("/policy")).toMatchObject({ policy: "priority" });
  expect(await read("/priorities")).toEqual({ priorities });
  const { entries } = await read<{ entries: { call: string; changes: unknown }[] }>("/audit");
  expect(entries.map(({ call, changes }) => [call, changes])).toEqual([
    ["SET_PRIORITIES", [{ subject: "role prod", field: "priority", after: "10" }]],
    ["SET_POLICY", [{ subject: "cluster", field: "policy", before: "drf", after: "priority" }]],
  ]);
});

test("what is refused changes nothing, and the answer says what to do", async () => {
  const answer = await put("/policy", { policy: "priorty" });
  expect([answer.status, await answer.text()]).toEqual([
    400,
    "There is no allocation policy 'priorty'. Did you mean 'priority'? There are: drf, priority, random.",
  ]);
  expect(await read("/policy")).toMatchObject({ policy: "drf" });
  expect(await read("/audit")).toEqual({ kept_most: 1_000 });
});
