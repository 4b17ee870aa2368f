/** Rimrock's own endpoints: which call a request is, and what becomes of its answer. */
import { expect, test } from "vitest";
import type { MasterPort } from "../../worker/ports.ts";
import { edge, outcome } from "./edge.ts";

const empty = { policy: "drf", agents: 0, clients: 0, clients_examined: 0, master_up_seconds: 1 };
const answering: Pick<MasterPort, "ask"> = {
  ask: async (_principal, call) => ({
    type: "ANSWERED",
    answer: { type: call.type, why: empty },
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
