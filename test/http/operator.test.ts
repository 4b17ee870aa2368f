/** The operator API and the documents, as far as the edge decides. */
import { expect, test } from "vitest";
import { edge, outcome } from "./edge.ts";

const health = { type: "GET_HEALTH", get_health: { healthy: true } } as const;
const reading = { master: { read: async () => health } };
const json = { headers: { "Content-Type": "application/json" } };
const document = { master: { document: async () => new Response('{"a":1}', json) } };

test("a read is answered with the message of its type", async () => {
  const { post, asked } = edge(reading);
  const response = await post("/api/v1", { type: "GET_HEALTH" });
  expect(response.headers.get("Content-Type")).toBe("application/json");
  expect(await response.json()).toEqual(health);
  expect(asked).toEqual([["master.read", {}, { type: "GET_HEALTH" }]]);
});

test("a call in protobuf is answered in protobuf, byte for byte as Mesos does", async () => {
  const type = "application/x-protobuf";
  const headers = { "Content-Type": type, Accept: type };
  const body = Uint8Array.of(0x08, 0x01);
  const response = await edge(reading).request("/api/v1", { method: "POST", headers, body });
  expect(response.headers.get("Content-Type")).toBe(type);
  const answer = new Uint8Array(await response.arrayBuffer());
  expect(answer).toEqual(Uint8Array.of(0x08, 0x01, 0x12, 0x02, 0x08, 0x01));
});

test.each(["/api/v1/", "/api/v1/operator", "/master/api/v1"])("%s is /api/v1", async (path) => {
  expect((await edge(reading).post(path, { type: "GET_HEALTH" })).status).toBe(200);
});

test("a call of type UNKNOWN is a 501 that names it", async () => {
  const { post } = edge({ master: { read: async () => undefined } });
  const [status, sentence] = await outcome(post("/api/v1", { type: "UNKNOWN" }));
  expect(status).toBe(501);
  expect(sentence).toContain("UNKNOWN");
});

test.each([
  ["without a type", {}, {}, 400, "Failed to validate master::Call: "],
  ["of an unknown type", { type: "FOO" }, {}, 400, "Failed to validate master::Call: "],
  ["of TEARDOWN without its part", { type: "TEARDOWN" }, {}, 400, "'teardown'"],
  ["whose answer nobody accepts", { type: "GET_HEALTH" }, { Accept: "text/html" }, 406, "Accept"],
] as const)("a call %s is refused", async (_, call, headers, status, words) => {
  const [answered, sentence] = await outcome(edge().post("/api/v1", call, headers));
  expect(answered).toBe(status);
  expect(sentence).toContain(words);
});

test("GET on the operator API is a 405", async () => {
  expect((await edge().request("/api/v1")).status).toBe(405);
});

test("TEARDOWN and the form at /teardown do the same", async () => {
  const done = { type: "REPLIED", reply: { type: "DONE" } } as const;
  const { post, request, asked } = edge({ master: { apply: async () => done } });
  const call = { type: "TEARDOWN", teardown: { framework_id: { value: "f" } } };
  expect(await outcome(post("/api/v1", call))).toEqual([200, ""]);
  const form = new URLSearchParams({ frameworkId: "f" });
  expect(await outcome(request("/master/teardown", { method: "POST", body: form }))).toEqual([
    200,
    "",
  ]);
  expect(asked[1]).toEqual(asked[0]);
});

test.each([
  "/version",
  "/state",
  "/state-summary",
  "/slaves",
  "/frameworks",
  "/tasks",
  "/roles",
  "/metrics/snapshot",
])("%s is a document, below /master and with anything behind it too", async (path) => {
  for (const alias of [path, `${path}/`, `/master${path}`, `${path}/x`]) {
    const { request, asked } = edge(document);
    const response = await request(`${alias}?limit=5`);
    expect(response.headers.get("Content-Type")).toBe("application/json");
    expect(await outcome(response)).toEqual([200, '{"a":1}']);
    expect(asked).toEqual([["master.document", {}, path, { limit: "5" }]]);
  }
});

test("HEAD gets a document's headers without its body, and any other method the document", async () => {
  const head = await edge(document).request("/version", { method: "HEAD" });
  expect(head.headers.get("Content-Length")).toBe("7");
  expect(await outcome(head)).toEqual([200, ""]);
  const posted = edge(document).request("/state", { method: "POST" });
  expect(await outcome(posted)).toEqual([200, '{"a":1}']);
});

test("jsonp wraps a document in a call of the named function, and of nothing else", async () => {
  const response = await edge(document).request("/state?jsonp=cb.x");
  expect(response.headers.get("Content-Type")).toBe("text/javascript");
  expect(await response.text()).toBe('cb.x({"a":1})');
  const script = encodeURIComponent("alert(1)//");
  expect((await edge(document).request(`/state?jsonp=${script}`)).status).toBe(400);
});

test("who finds the line of readers full is told to come again", async () => {
  const full = async (): Promise<Response> => new Response(null, { status: 503 });
  const { request, post } = edge({ master: { document: full, readLong: full } });
  for (const answer of [request("/state"), post("/api/v1", { type: "GET_STATE" })]) {
    const { status, headers } = await answer;
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
  }
});

test("the operators' SUBSCRIBE is answered with the master's stream", async () => {
  const stream = async (): Promise<Response> => new Response("20\n…");
  const { post, asked } = edge({ master: { subscribeOperator: stream } });
  const answer = await post("/api/v1", { type: "SUBSCRIBE" }, { Accept: "application/x-protobuf" });
  expect(await outcome(answer)).toEqual([200, "20\n…"]);
  expect(asked).toEqual([["master.subscribeOperator", {}, "application/x-protobuf"]]);
});

test("/health is empty, asks nobody, and takes GET and HEAD only", async () => {
  expect(await outcome(edge().request("/health"))).toEqual([200, ""]);
  expect(await outcome(edge().request("/master/health", { method: "HEAD" }))).toEqual([200, ""]);
  expect((await edge().request("/health", { method: "POST" })).status).toBe(405);
});

test.each(["/redirect", "/master/redirect"])(
  "%s points at this host, without a path",
  async (path) => {
    const response = await edge().request(path);
    expect(response.status).toBe(307);
    expect(response.headers.get("Location")).toBe("//master.example:5050");
  },
);

test.each(["/redirect/x", "/nosuch", "/master/nosuch", "/", "/statex"])(
  "%s is a 404",
  async (path) => {
    expect((await edge().request(path)).status).toBe(404);
  },
);
