/** Rimrock's own endpoints: which call a request is, and what becomes of its answer. */
import { expect, test } from "vitest";
import type { MasterPort } from "../../worker/ports.ts";
import type * as own from "../../worker/protocol/own/operator.ts";
import { edge, outcome } from "./edge.ts";

const empty = { policy: "drf", agents: 0, clients: 0, clients_examined: 0, master_up_seconds: 1 };
const answering: Pick<MasterPort, "ask"> = {
  ask: async () => ({
    type: "ANSWERED",
    answer: { why: { ...empty, groups: [], standings: [] } },
  }),
};

test("parameters are the question, and empty ones are none", async () => {
  const { request, asked } = edge({ master: answering });
  const answer = await request("/why?framework=web&role=&resources=cpus%3A1");
  expect(await answer.json()).toEqual(empty);
  expect(answer.headers.get("Content-Type")).toBe("application/json");
  expect(asked.map(([, , call]) => call)).toEqual([
    { type: "WHY", why: { framework: "web", resources: "cpus:1" } },
  ]);
});

test("a body is the question, too", async () => {
  const { post, asked } = edge({ master: answering });
  expect((await post("/why", { agent: "a1" })).status).toBe(200);
  expect(asked.map(([, , call]) => call)).toEqual([{ type: "WHY", why: { agent: "a1" } }]);
});

test.each([
  [
    "/why?framwork=web",
    "GET",
    400,
    "This path knows no parameter 'framwork'. Did you mean 'framework'?",
  ],
  [
    "/why?x=1",
    "GET",
    400,
    "This path knows no parameter 'x'. There are: framework, role, agent, resources.",
  ],
  ["/why", "DELETE", 405, "This path takes GET, POST, not DELETE."],
  ["/what-if", "GET", 405, "This path takes POST, not GET."],
  ["/policy", "POST", 405, "This path takes GET, PUT, not POST."],
  ["/policy?name=drf", "GET", 400, "This path takes no parameters, not 'name'."],
  ["/audit?limit=-1", "GET", 400, "The parameter 'limit' is '-1'; give a number."],
])("%s, %s: %i", async (path, method, status, sentence) => {
  const { request, asked } = edge({ master: answering });
  expect(await outcome(request(path, { method }))).toEqual([status, sentence]);
  expect(asked).toEqual([]);
});

test("a body that is no question is refused before anybody is asked", async () => {
  const { post, asked } = edge({ master: answering });
  const [status, sentence] = await outcome(post("/what-if", { gone: [1] }));
  expect(status).toBe(400);
  expect(sentence).toContain("gone");
  expect(asked).toEqual([]);
});

test("who asks while too many are reading is told to try again", async () => {
  const { request } = edge({ master: { ask: async () => ({ type: "BUSY" }) } });
  const answer = await request("/why");
  expect(answer.status).toBe(503);
  expect(answer.headers.get("Retry-After")).toBe("1");
});

const done: Pick<MasterPort, "apply"> = {
  apply: async () => ({ type: "REPLIED", reply: { type: "DONE" } }),
};

test.each<readonly [string, unknown, own.Call]>([
  ["/policy", { policy: "priority" }, { type: "SET_POLICY", set_policy: { policy: "priority" } }],
  [
    "/priorities",
    { priorities: [{ role: "eng", priority: 5 }] },
    { type: "SET_PRIORITIES", set_priorities: { priorities: [{ role: "eng", priority: 5 }] } },
  ],
])("PUT %s is a turn of the master", async (path, body, call) => {
  const { request, asked } = edge({ master: done });
  const headers = { "Content-Type": "application/json" };
  const put = { method: "PUT", headers, body: JSON.stringify(body) };
  expect(await outcome(request(path, put))).toEqual([200, ""]);
  expect(asked.map(([method, , input]) => [method, input])).toEqual([
    ["master.apply", { type: "OWN_CALL", call }],
  ]);
});

test("PUT with a body that is no such message is refused before anybody is asked", async () => {
  const { request, asked } = edge({ master: done });
  const [status, sentence] = await outcome(
    request("/priorities", { method: "PUT", body: JSON.stringify({ priorities: [{ role: 1 }] }) }),
  );
  expect(status).toBe(400);
  expect(sentence).toContain("role");
  expect(asked).toEqual([]);
});

test("the parameters of /audit say how many entries and before which", async () => {
  const audit = { entries: [], kept_most: 1_000 };
  const { request, asked } = edge({
    master: { ask: async () => ({ type: "ANSWERED", answer: { audit } }) },
  });
  expect(await (await request("/audit?limit=5&before=77")).json()).toEqual({ kept_most: 1_000 });
  expect(asked.map(([, , call]) => call)).toEqual([
    { type: "GET_AUDIT", get_audit: { limit: 5, before: 77n } },
  ]);
});

test("a question on which the master fails is a 500, not an empty answer", async () => {
  const { post } = edge({ master: { ask: async () => ({ type: "FAILED" }) } });
  expect((await post("/what-if", { gone: ["a1"] })).status).toBe(500);
});
