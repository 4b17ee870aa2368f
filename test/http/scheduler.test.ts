/**
 * `POST /api/v1/scheduler` before the master is asked: the order of the checks, and each refusal.
 */
import { expect, test } from "vitest";
import type { CallError } from "../../worker/core/call-error.ts";
import { ObjectUnreached } from "../../worker/ports.ts";
import { REQUEST_BYTES } from "../../worker/protocol/limits.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { accepted, edge, outcome } from "./edge.ts";

const path = "/api/v1/scheduler";
const framework_id = { value: "f" };
const framework_info = { user: "u", name: "n" };
const subscribe = { type: "SUBSCRIBE", subscribe: { framework_info } };
const revive = { type: "REVIVE", framework_id };
const uuid = btoa("0123456789abcdef");
/** More than anybody's are. */
const constraints = {
  role_constraints: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`role-${i}`, {}])),
};

const accept = { master: { apply: async () => accepted } };

test("a call that the master accepts is answered 202 with nothing at all", async () => {
  const { post, asked } = edge(accept);
  const response = await post(path, revive, { "Mesos-Stream-Id": "s" });
  expect(await outcome(response)).toEqual([202, ""]);
  expect(response.headers.get("Content-Type")).toBeNull();
  const input = { type: "SCHEDULER_CALL", streamId: "s", call: revive };
  expect(asked).toEqual([["master.apply", {}, input]]);
});

test("an UPDATE_FRAMEWORK that was carried out is answered 200 with nothing at all", async () => {
  const { post } = edge({
    master: { apply: async () => ({ type: "REPLIED", reply: { type: "DONE" } }) },
  });
  const info = { ...framework_info, id: framework_id };
  const call = {
    type: "UPDATE_FRAMEWORK",
    framework_id,
    update_framework: { framework_info: info },
  };
  const response = await post(path, call, { "Mesos-Stream-Id": "s" });
  expect(await outcome(response)).toEqual([200, ""]);
  expect(response.headers.get("Content-Type")).toBeNull();
});

test.each(["/api/v1/scheduler/", "/master/api/v1/scheduler", "/api/v1/scheduler/x/y"])(
  "%s is the same resource",
  async (alias) => {
    expect((await edge(accept).post(alias, revive)).status).toBe(202);
  },
);

test("any method but POST is refused first, and told what is allowed", async () => {
  const response = await edge().request(path, { method: "PUT", body: "x" });
  expect(response.status).toBe(405);
  expect(response.headers.get("Allow")).toBe("POST");
});

test.each([
  ["without a Content-Type", {}, 400],
  ["of another type", { "Content-Type": "text/plain" }, 415],
  ["with a parameter in its type", { "Content-Type": "application/json; charset=utf-8" }, 415],
] as const)("a body %s is refused before it is decoded", async (_, headers, status) => {
  const body = new TextEncoder().encode("{");
  const response = await edge().request(path, { method: "POST", headers, body });
  expect(response.status).toBe(status);
  expect(response.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
});

test.each([
  ["empty", "", 400, "not JSON"],
  ["cut off", '{"type": "SUBSCRIBE", ', 400, "not JSON"],
  ["no object", "[]", 400, "object"],
  ["with garbage after it", '{"type":"REVIVE"} xyz', 400, "not JSON"],
  ["too deep", `${'{"x":'.repeat(200)}1${"}".repeat(200)}`, 413, "100"],
  ["of a wrong type inside", { ...revive, framework_id: 5 }, 400, "framework_id"],
  ["without a required field", { ...revive, framework_id: {} }, 400, "framework_id.value"],
  ["with a number for its type", { type: 1 }, 400, "type"],
])("a body that is %s is refused", async (_, body, status, word) => {
  const [answered, sentence] = await outcome(edge().post(path, body));
  expect(answered).toBe(status);
  expect(sentence).toContain(word);
});

test("a body that is not UTF-8 is refused", async () => {
  const headers = { "Content-Type": "application/json" };
  const body = new Uint8Array([0x7b, 0xff, 0x7d]);
  const [status, sentence] = await outcome(edge().request(path, { method: "POST", headers, body }));
  expect(status).toBe(400);
  expect(sentence).toContain("UTF-8");
});

test("a body that is too large is refused before it is read to its end", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 1024 * 1024;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
  });
  const headers = { "Content-Type": "application/json" };
  const init: RequestInit = { method: "POST", headers, body, duplex: "half" };
  expect((await edge().request(path, init)).status).toBe(413);
  expect(sent).toBeLessThan(2 * REQUEST_BYTES);
});

test.each([
  ["no type", {}, "'type'"],
  ["an unknown type", { type: "FOO" }, "'type'"],
  ["UNKNOWN without a framework", { type: "UNKNOWN" }, "'framework_id'"],
  ["SUBSCRIBE without its part", { type: "SUBSCRIBE" }, "'subscribe'"],
  ["no framework", { type: "REVIVE" }, "'framework_id'"],
  ["ACCEPT without its part", { type: "ACCEPT", framework_id }, "'accept'"],
  ["KILL without its part", { type: "KILL", framework_id }, "'kill'"],
  ["RECONCILE without its part", { type: "RECONCILE", framework_id }, "'reconcile'"],
  [
    "an id in the call only",
    { ...subscribe, framework_id },
    "'framework_id' is not the same as 'subscribe.framework_info.id'",
  ],
  [
    "a short uuid",
    {
      type: "ACKNOWLEDGE",
      framework_id,
      acknowledge: { agent_id: { value: "a" }, task_id: { value: "t" }, uuid: "AAAA" },
    },
    "16 bytes",
  ],
  [
    "an operation's acknowledgement without its agent",
    {
      type: "ACKNOWLEDGE_OPERATION_STATUS",
      framework_id,
      acknowledge_operation_status: { operation_id: { value: "o" }, uuid },
    },
    "'acknowledge_operation_status.agent_id'",
  ],
  [
    "an UPDATE_FRAMEWORK of another framework",
    { type: "UPDATE_FRAMEWORK", framework_id, update_framework: { framework_info } },
    "'update_framework.framework_info.id'",
  ],
  [
    "more offer constraints than a framework may have",
    { ...subscribe, subscribe: { framework_info, offer_constraints: constraints } },
    "'subscribe.offer_constraints' is longer than 65536 bytes",
  ],
  [
    "an update to more offer constraints than a framework may have",
    {
      type: "UPDATE_FRAMEWORK",
      framework_id,
      update_framework: {
        framework_info: { ...framework_info, id: framework_id },
        offer_constraints: constraints,
      },
    },
    "'update_framework.offer_constraints' is longer than 65536 bytes",
  ],
  [
    "an update to a FrameworkInfo that the store could not hold",
    {
      type: "UPDATE_FRAMEWORK",
      framework_id,
      update_framework: {
        framework_info: { user: "u", name: "n".repeat(1_500_000), id: framework_id },
      },
    },
    "'update_framework.framework_info'",
  ],
  [
    "more tasks to reconcile than one call may have",
    {
      type: "RECONCILE",
      framework_id,
      reconcile: { tasks: Array(20_001).fill({ task_id: { value: "t" } }) },
    },
    "'reconcile.tasks' has 20001 entries",
  ],
  [
    "a task that the store could not hold",
    {
      type: "ACCEPT",
      framework_id,
      accept: {
        offer_ids: [{ value: "o" }],
        operations: [
          {
            type: "LAUNCH",
            launch: {
              task_infos: [
                {
                  name: "n",
                  task_id: { value: "big" },
                  agent_id: { value: "a" },
                  data: btoa("x".repeat(1_500_000)),
                },
              ],
            },
          },
        ],
      },
    },
    "task_info 'big'",
  ],
])("a call with %s is not valid, and never reaches the master", async (_, call, words) => {
  const { post, asked } = edge();
  const [status, sentence] = await outcome(post(path, call, { "Mesos-Stream-Id": "s" }));
  expect(status).toBe(400);
  expect(sentence).toMatch(/^Failed to validate scheduler::Call: /);
  expect(sentence).toContain(words);
  expect(asked).toEqual([]);
});

test("Accept is looked at for SUBSCRIBE, and not for calls with an empty answer", async () => {
  const html = { Accept: "text/html" };
  expect((await edge().post(path, subscribe, html)).status).toBe(406);
  expect((await edge(accept).post(path, revive, html)).status).toBe(202);
});

test("an invalid SUBSCRIBE is refused before its Accept, and its Accept before its stream id", async () => {
  const wrong = { Accept: "text/html", "Mesos-Stream-Id": "s" };
  expect((await edge().post(path, { type: "SUBSCRIBE" }, wrong)).status).toBe(400);
  expect((await edge().post(path, subscribe, wrong)).status).toBe(406);
  const [status, sentence] = await outcome(
    edge().post(path, subscribe, { "Mesos-Stream-Id": "s" }),
  );
  expect(status).toBe(400);
  expect(sentence).toContain("Mesos-Stream-Id");
});

test("an empty framework id in a SUBSCRIBE is the same as none", async () => {
  const stream = async () => new Response("");
  const info = { ...framework_info, id: { value: "" } };
  const { post } = edge({ master: { subscribe: stream } });
  expect(
    (await post(path, { type: "SUBSCRIBE", subscribe: { framework_info: info } })).status,
  ).toBe(200);
});

test("the stream that answers SUBSCRIBE passes the edge as it is", async () => {
  const stream = new Response("20\n...", { headers: { "Mesos-Stream-Id": "s" } });
  const { post, asked } = edge({ master: { subscribe: async () => stream } });
  expect(await post(path, subscribe, { Authorization: "Basic Og==" })).toBe(stream);
  expect(asked[0]?.slice(0, 2)).toEqual(["master.subscribe", {}]);
});

test.each([
  ["JSON", {}, "application/json"],
  ["protobuf", { Accept: "application/x-protobuf" }, "application/x-protobuf"],
  ["both", { Accept: "application/x-protobuf, application/json" }, "application/json"],
] as const)(
  "the events for a client that accepts %s are in its encoding, JSON first",
  async (_, headers, encoding) => {
    const { post, asked } = edge({ master: { subscribe: async () => new Response("") } });
    await post(path, subscribe, headers);
    expect(asked[0]?.[3]).toBe(encoding);
  },
);

const protobuf = { "Content-Type": "application/x-protobuf" };

test("a call in protobuf is the same call", async () => {
  const { request, asked } = edge(accept);
  const body = encodeProtobuf("mesos.v1.scheduler.Call", { type: "REVIVE", framework_id });
  expect(await outcome(request(path, { method: "POST", headers: protobuf, body }))).toEqual([
    202,
    "",
  ]);
  expect(asked).toEqual([["master.apply", {}, { type: "SCHEDULER_CALL", call: revive }]]);
});

test.each([
  ["is JSON", new TextEncoder().encode('{"type": "REVIVE"}'), 400, "The body is not protobuf"],
  ["lacks a required field", Uint8Array.of(0x0a, 0), 400, "framework_id.value"],
  ["says nothing", new Uint8Array(), 400, "Failed to validate scheduler::Call: 'type'"],
  ["has more than its bounds", new Uint8Array(REQUEST_BYTES + 1), 413, `${REQUEST_BYTES}`],
] as const)("a body in protobuf that %s is refused", async (_, body, status, words) => {
  const answer = edge().request(path, { method: "POST", headers: protobuf, body });
  const [answered, sentence] = await outcome(answer);
  expect(answered).toBe(status);
  expect(sentence).toContain(words);
});

test.each<[CallError, number, string]>([
  [{ code: "FRAMEWORK_NOT_FOUND", frameworkId: "f" }, 400, "Framework cannot be found"],
  [{ code: "FRAMEWORK_NOT_SUBSCRIBED", frameworkId: "f" }, 403, "Framework is not subscribed"],
])("%o has the status and the text that clients match on", async (error, status, text) => {
  const apply = async () => ({ type: "REPLIED", reply: { type: "REFUSED", error } }) as const;
  expect(await outcome(edge({ master: { apply } }).post(path, revive))).toEqual([status, text]);
});

test.each<[CallError, number]>([
  [{ code: "PRINCIPAL_MISMATCH", frameworkId: "f", principal: "p" }, 400],
  [{ code: "FRAMEWORK_INVALID", problem: "Role '/' is invalid" }, 400],
  [{ code: "STREAM_ID_MISSING", frameworkId: "f" }, 400],
  [{ code: "STREAM_ID_MISMATCH", frameworkId: "f", streamId: "s" }, 400],
  [{ code: "NOT_AUTHORIZED", action: "TEARDOWN_FRAMEWORK" }, 403],
  [{ code: "CALL_NOT_SERVED", callType: "REQUEST" }, 501],
])("%o has its status and a sentence", async (error, expected) => {
  const apply = async () => ({ type: "REPLIED", reply: { type: "REFUSED", error } }) as const;
  const [status, sentence] = await outcome(edge({ master: { apply } }).post(path, revive));
  expect(status).toBe(expected);
  expect(sentence.length).toBeGreaterThan(20);
});

test("a turn that failed is a 500, and a master that does not answer is a 503", async () => {
  const failed = edge({ master: { apply: async () => ({ type: "FAILED" }) } });
  expect((await failed.post(path, revive)).status).toBe(500);
  const apply = async () => {
    throw new ObjectUnreached("reset");
  };
  const response = await edge({ master: { apply } }).post(path, revive);
  expect(response.status).toBe(503);
  expect(response.headers.get("Retry-After")).toBe("1");
});
