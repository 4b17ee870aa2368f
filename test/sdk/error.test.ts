import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { codeOfErrorEvent, codeOfStatus, SchedulerError } from "../../worker/sdk/error.ts";
import { MasterClient } from "../../worker/sdk/master-client.ts";
import { inProcessTransport } from "../../worker/sdk/transport.ts";

test.each([
  [
    400,
    "Failed to validate scheduler::Call: Expecting 'kill' to be present",
    "INVALID_CALL",
    false,
  ],
  [400, "Framework cannot be found", "FRAMEWORK_UNKNOWN", true],
  [400, "The stream ID included in this request did not match", "NOT_SUBSCRIBED", true],
  [
    400,
    "All non-subscribe calls should include the 'Mesos-Stream-Id' header",
    "NOT_SUBSCRIBED",
    true,
  ],
  [401, "", "UNAUTHENTICATED", false],
  [403, "Framework is not subscribed", "NOT_SUBSCRIBED", true],
  [403, "Not authorized to register", "FORBIDDEN", false],
  [404, "", "NOT_FOUND", false],
  [405, "", "UNSUPPORTED", false],
  [406, "", "UNSUPPORTED", false],
  [413, "", "INVALID_CALL", false],
  [415, "", "UNSUPPORTED", false],
  [418, "", "INVALID_CALL", false],
  [429, "", "UNAVAILABLE", true],
  [500, "", "UNAVAILABLE", true],
  [501, "", "UNSUPPORTED", false],
  [503, "", "UNAVAILABLE", true],
])("status %i with '%s' is %s", (status, body, code, retryable) => {
  expect(codeOfStatus(status, body)).toBe(code);
  expect(new SchedulerError(codeOfStatus(status, body), "").retryable).toBe(retryable);
});

test.each([
  ["Framework failed over", "FAILED_OVER"],
  ["Framework has been removed", "FRAMEWORK_REMOVED"],
  ["Role '/' is invalid", "REFUSED"],
])("the ERROR event '%s' is %s", (message, code) => {
  expect(codeOfErrorEvent(message)).toBe(code);
});

function client(handle: (request: Request) => Response | Promise<Response>, callTimeoutMs = 1_000) {
  const transport = inProcessTransport(handle);
  return new MasterClient({ master: "http://m:1/c/blue/", transport, callTimeoutMs });
}

const GET_HEALTH = {
  path: "/api/v1",
  name: "mesos.v1.master.Call",
  message: { type: "GET_HEALTH" },
} as const;

test("a call goes below the path of the cluster and its answer is decoded", async () => {
  const asked = client(async (request) => {
    expect(request.url).toBe("http://m:1/c/blue/api/v1");
    expect(await request.text()).toBe('{"type":"GET_HEALTH"}');
    return new Response('{"type":"GET_HEALTH","get_health":{"healthy":true}}');
  });
  const answer = await asked.ask({ ...GET_HEALTH, answer: "mesos.v1.master.Response" }, {});
  expect(answer).toEqual({ type: "GET_HEALTH", get_health: { healthy: true } });
});

test("an answer that is another program's is PROTOCOL and says where it came from", async () => {
  const asked = client(() => new Response("<html>"));
  await expect(
    asked.ask({ ...GET_HEALTH, answer: "mesos.v1.master.Response" }, {}),
  ).rejects.toMatchObject({
    code: "PROTOCOL",
    message: expect.stringContaining("http://m:1/c/blue/api/v1"),
  });
});

test("a refusal carries the master's sentence, the status and the URL", async () => {
  const asked = client(() => new Response("no such call\n", { status: 400 }));
  await expect(asked.post(GET_HEALTH, {})).rejects.toMatchObject({
    code: "INVALID_CALL",
    status: 400,
    message: "http://m:1/c/blue/api/v1 answered 400: no such call",
  });
});

test("a master that does not answer in time is UNAVAILABLE", async () => {
  const asked = client(() => new Promise(() => {}), 20);
  await expect(asked.post(GET_HEALTH, {})).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: "http://m:1/c/blue did not answer within 0.02 s",
  });
});

test("an abort reaches a call whose request has been collected meanwhile", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const controller = new AbortController();
  const asked = client(() => new Promise(() => {}), 60_000);
  const call = asked.post(GET_HEALTH, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 5));
  collect();
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: "ABORTED" });
});

test("masters that redirect in a circle are UNAVAILABLE", async () => {
  const headers = { Location: "//other:1/c/blue/api/v1" };
  const asked = client(() => new Response(null, { status: 307, headers }));
  await expect(asked.post(GET_HEALTH, {})).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(asked.url).toBe("http://m:1/c/blue");
});
