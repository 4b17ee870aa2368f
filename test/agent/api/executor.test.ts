/** The executor API over HTTP, as an executor meets it (http-semantics 7.1). */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type * as executor from "../../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";
import { decodeProtobuf, encodeProtobuf } from "../../../worker/protocol/wire/protobuf.ts";
import { RecordDecoder } from "../../../worker/protocol/wire/record-io.ts";
import { defined } from "../../../worker/std/assert.ts";
import { endMasters, joined } from "../shell/agent-lab.ts";
import { type AgentProcess, cleanUp } from "../shell/agent-process.ts";
import type { FakeMaster } from "../shell/fake-master.ts";

afterEach(endMasters);
afterAll(() => cleanUp());

let master: FakeMaster;
let port: number;
/** Of executor `e`, which never speaks itself: the tests do. */
let token: string;

const ids = { framework_id: { value: "f1" }, executor_id: { value: "e" } };

beforeEach(async () => {
  const lab = await joined();
  master = lab.master;
  port = await portOf(lab.agent);
  const command = { value: "echo $MESOS_EXECUTOR_AUTHENTICATION_TOKEN; exec sleep 1000" };
  const task: mesos.TaskInfo = {
    name: "t1",
    task_id: { value: "t1" },
    agent_id: { value: "test-S0" },
    executor: { executor_id: { value: "e" }, framework_id: { value: "f1" }, command },
  };
  const framework = { id: { value: "f1" }, user: "root", name: "f1", checkpoint: true };
  master.send({ type: "RUN_TASK", run_task: { framework, task } });
  const path = "/slaves/test-S0/frameworks/f1/executors/e/runs/latest/stdout";
  for (token = ""; token === ""; await sleep(20)) {
    const { body } = await master.call({
      type: "READ_FILE",
      read_file: { path: `${lab.workDirectory}${path}`, offset: 0n },
    });
    if (!body.startsWith("{")) continue;
    const { data = "" } = JSON.parse(body).read_file;
    token = Buffer.from(data, "base64").toString().trim();
  }
});

async function portOf(process: AgentProcess): Promise<number> {
  for (;;) {
    const found = /API at http:\/\/127\.0\.0\.1:(\d+)/.exec(process.log())?.[1];
    if (found !== undefined) return Number(found);
    await sleep(20);
  }
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

function ask({ method = "POST", headers = {}, body = "" }: Asked) {
  return new Promise<{ status: number; body: string; headers: object }>((resolve, reject) => {
    const all = {
      "Content-Type": "application/json",
      Authorization: `Bearer ${token}`,
      ...headers,
    };
    const options = { host: "127.0.0.1", port, path: "/slave(1)/api/v1/executor", method };
    const sent = request({ ...options, headers: all, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(pieces).toString(),
          headers: answer.headers,
        }),
      );
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const send = (call: Partial<executor.Call>, headers: Asked["headers"] = {}) =>
  ask({ headers, body: encodeJson("mesos.v1.executor.Call", { ...ids, ...call }) });

const status = (more: Partial<mesos.TaskStatus> = {}): mesos.TaskStatus => ({
  task_id: { value: "t1" },
  state: "TASK_RUNNING",
  source: "SOURCE_EXECUTOR",
  uuid: new Uint8Array(16).fill(7),
  ...more,
});
const update = (more?: Partial<mesos.TaskStatus>): Partial<executor.Call> => ({
  type: "UPDATE",
  update: { status: status(more) },
});

/** Subscribes, in protobuf; the events that came so far. */
async function subscribe(): Promise<{ events: executor.Event[]; close(): void }> {
  const events: executor.Event[] = [];
  const decoder = new RecordDecoder(1024 * 1024);
  const body = encodeProtobuf("mesos.v1.executor.Call", {
    ...ids,
    type: "SUBSCRIBE",
    subscribe: {},
  });
  const headers = {
    "Content-Type": "application/x-protobuf",
    Accept: "application/x-protobuf",
    Authorization: `Bearer ${token}`,
  };
  const options = { host: "127.0.0.1", port, path: "/api/v1/executor", method: "POST", headers };
  return await new Promise((resolve, reject) => {
    const sent = request({ ...options, agent: false }, (answer) => {
      expect(answer.statusCode).toBe(200);
      expect(answer.headers["content-type"]).toBe("application/x-protobuf");
      expect(answer.headers["mesos-stream-id"]).toBeUndefined();
      answer.on("data", (piece: Buffer) => {
        const decoded = decoder.push(piece);
        for (const record of decoded.records) {
          const event = decodeProtobuf("mesos.v1.executor.Event", record);
          if (event.ok) events.push(event.value);
        }
      });
      answer.on("error", () => {});
      resolve({ events, close: () => sent.destroy() });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

describe("the executor API refuses", () => {
  const refusals: [string, Asked, number, RegExp][] = [
    ["other methods", { method: "GET" }, 405, /POST/],
    ["a body without a type", { headers: { "Content-Type": "" } }, 415, /Content-Type/],
    ["other bodies", { headers: { "Content-Type": "text/plain" } }, 415, /text\/plain/],
    ["what is no JSON", { body: "{" }, 400, /JSON/],
    ["a call without ids", { body: '{"type": "SUBSCRIBE"}' }, 400, /executor_id/],
    ["a stranger's Host", { headers: { Host: "evil.example" }, body: "{}" }, 403, /evil\.example/],
  ];
  test.each(refusals)("%s", async (_, asked, number, sentence) => {
    const answer = await ask(asked);
    expect(answer.status).toBe(number);
    expect(answer.body).toMatch(sentence);
  });

  const invalid: [string, Partial<executor.Call>, number, RegExp][] = [
    ["no type", {}, 400, /'type' is missing/],
    ["an unknown type", { type: "UNKNOWN" }, 501, /type of call/],
    ["SUBSCRIBE without its part", { type: "SUBSCRIBE" }, 400, /'subscribe' is missing/],
    ["UPDATE without its part", { type: "UPDATE" }, 400, /'update' is missing/],
    ["MESSAGE without its part", { type: "MESSAGE" }, 400, /'message' is missing/],
    ["a uuid that is none", update({ uuid: new Uint8Array(15) }), 400, /15 bytes/],
    ["another executor's status", update({ executor_id: { value: "x" } }), 400, /'x'/],
    ["a status of the agent's", update({ source: "SOURCE_AGENT" }), 400, /SOURCE_AGENT/],
    ["TASK_STAGING", update({ state: "TASK_STAGING" }), 400, /TASK_STAGING/],
    ["TASK_UNREACHABLE", update({ state: "TASK_UNREACHABLE" }), 400, /TASK_UNREACHABLE/],
    ["a check status without a result", update({ check_status: { type: "TCP" } }), 400, /TCP/],
    [
      "a message that is too long",
      { type: "MESSAGE", message: { data: new Uint8Array(1024 * 1024 + 1) } },
      400,
      /1048576/,
    ],
    ["an unknown framework", { ...update(), framework_id: { value: "f9" } }, 400, /'f9'/],
    ["an unknown executor", { ...update(), executor_id: { value: "e9" } }, 400, /'e9'/],
    ["an update before SUBSCRIBE", update(), 403, /not subscribed/],
  ];
  test.each(invalid)("%s", async (_, call, number, sentence) => {
    const answer = await send(call);
    expect([answer.status, answer.body]).toEqual([number, expect.stringMatching(sentence)]);
  });

  test("SUBSCRIBE when nothing that is served is accepted", async () => {
    const answer = await send(
      { type: "SUBSCRIBE", subscribe: {} },
      { Accept: "application/recordio" },
    );
    expect(answer.status).toBe(406);
  });

  test("who has no token, or one that was tampered with, before anything else", async () => {
    const [header, claims = "", signature] = token.split(".");
    const other = Buffer.from(claims, "base64url").toString().replace('"e"', '"x"');
    const forged = [header, Buffer.from(other).toString("base64url"), signature].join(".");
    for (const text of [forged, `${token}x`, "a.b.c", "x"]) {
      const headers = { Authorization: `Bearer ${text}` };
      expect((await ask({ method: "GET", headers })).status).toBe(401);
    }
    const none = await ask({ headers: { Authorization: "" }, body: "{" });
    expect(none).toMatchObject({
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="mesos-agent-executor"' },
    });
  });
});

describe("the executor API", () => {
  test("takes a HEARTBEAT of anybody who has a token", async () => {
    expect(await send({ type: "HEARTBEAT" })).toMatchObject({ status: 202, body: "" });
  });

  test("is counted: who has not subscribed registers, who has runs, who is told to end ends", async () => {
    const counts = async (): Promise<readonly number[]> => {
      const { body } = await master.call({ type: "GET_METRICS", get_metrics: {} });
      const all: { name: string; value: number }[] = JSON.parse(body).get_metrics.metrics;
      return ["registering", "running", "terminating"].map(
        (stage) => all.find(({ name }) => name === `slave/executors_${stage}`)?.value ?? -1,
      );
    };
    expect(await counts()).toEqual([1, 0, 0]);
    const stream = await subscribe();
    await master.until("SUBSCRIBED", () => stream.events[0]);
    expect(await counts()).toEqual([0, 1, 0]);
    master.send({ type: "SHUTDOWN_EXECUTOR", shutdown_executor: ids });
    await master.until("SHUTDOWN", () => stream.events.find(({ type }) => type === "SHUTDOWN"));
    expect(await counts()).toEqual([0, 0, 1]);
    stream.close();
  });

  test("speaks protobuf, and closes an older stream for a newer one", async () => {
    const first = await subscribe();
    await master.until("LAUNCH", () => first.events[1]);
    expect(first.events.map(({ type }) => type)).toEqual(["SUBSCRIBED", "LAUNCH"]);
    const { subscribed } = defined(first.events[0], "the first event");
    expect(subscribed).toMatchObject({
      executor_info: ids,
      framework_info: { id: ids.framework_id },
      agent_info: { id: { value: "test-S0" } },
    });
    const told = await send(update());
    expect(told).toMatchObject({ status: 202, body: "" });
    await master.state("t1", "TASK_RUNNING");
    await master.until("ACKNOWLEDGED", () => first.events[2]);
    const second = await subscribe();
    await master.until("SUBSCRIBED", () => second.events[0]);
    expect((await send(update())).status).toBe(202);
    await master.until("ACKNOWLEDGED again", () => second.events[1]);
    expect(second.events.map(({ type }) => type)).toEqual(["SUBSCRIBED", "ACKNOWLEDGED"]);
    expect(first.events).toHaveLength(3);
    expect(master.statesOf("t1")).toEqual(["TASK_RUNNING"]);
    second.close();
  });

  test("lets an executor speak of no task but its own, under no uuid of others", async () => {
    const stream = await subscribe();
    await master.until("LAUNCH", () => stream.events[1]);
    master.run("t2", "sleep 1000");
    const { uuid } = await master.state("t2", "TASK_STARTING");
    const strange = await send(update({ task_id: { value: "t2" } }));
    expect(strange).toMatchObject({
      status: 400,
      body: expect.stringMatching(/'t2' was not given/),
    });
    master.acknowledges = false;
    master.run("t3", "sleep 1000");
    const other = await master.state("t3", "TASK_RUNNING");
    const stolen = await send(update({ uuid: defined(other.uuid, "an update has a uuid") }));
    expect(stolen).toMatchObject({ status: 400, body: expect.stringMatching(/another task's/) });
    expect(uuid).toBeDefined();
    expect(master.statesOf("t1")).toEqual([]);
    stream.close();
  });
});
