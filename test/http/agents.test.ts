/** The agents' link, and operators' calls to an agent, as far as the edge decides. */
import { expect, test } from "vitest";
import type { CallError } from "../../worker/core/call-error.ts";
import { ObjectUnreached } from "../../worker/ports.ts";
import type { AgentId, RelayId } from "../../worker/protocol/ids.ts";
import { edge, outcome } from "./edge.ts";

const agent_id = { value: "a" };
const registration = {
  protocol_version: 1,
  session_id: "s",
  agent_info: { hostname: "h" },
  ip: "10.0.0.1",
  version: "1.12.0",
};
const poll = { agent_id, session_id: "s", poll_number: 1, acknowledged_command: 0 };
const report = { agent_id, session_id: "s", report_number: 1 };
const agentSession = { agent_id, session_id: "s" };
const reply = { agent_id, session_id: "s", call_id: "c", sequence: 0 };

test("a registration is answered with the agent's id and its relay", async () => {
  const [agentId, relayId] = ["a" as AgentId, "relay-1" as RelayId];
  const registered = { type: "REGISTERED", agentId, relayId } as const;
  const apply = async () => ({ type: "REPLIED", reply: registered }) as const;
  const response = await edge({ master: { apply } }).post("/agent-link/v1/register", registration);
  expect(await response.json()).toEqual({
    agent_id: { value: "a" },
    relay_id: "relay-1",
    poll_hold_seconds: 25,
  });
});

test("an agent of another version of the link is told to install the same release", async () => {
  const other = { ...registration, protocol_version: 2 };
  const response = await edge().post("/agent-link/v1/register", other);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: "PROTOCOL_VERSION" });
});

test("a registration that the master refuses says which field is wrong", async () => {
  const error: CallError = { code: "AGENT_INVALID", field: "resources", message: "are odd." };
  const apply = async () => ({ type: "REPLIED", reply: { type: "REFUSED", error } }) as const;
  const response = await edge({ master: { apply } }).post("/agent-link/v1/register", registration);
  expect(response.status).toBe(400);
  const message = expect.stringContaining("'resources' are odd.");
  expect(await response.json()).toEqual({ code: "AGENT_INVALID", message });
});

test("a poll brings commands", async () => {
  const commands = [{ type: "SHUTDOWN", number: 7n }] as const;
  const { post, asked } = edge({ relay: { poll: async () => ({ type: "COMMANDS", commands }) } });
  const response = await post("/agent-link/v1/relay/relay-1/poll", poll);
  expect(await response.json()).toEqual({ commands: [{ type: "SHUTDOWN", number: 7 }] });
  expect(asked[0]?.slice(0, 2)).toEqual(["relay.poll", "relay-1"]);
});

test("a report and a piece of an answer are answered when they are taken", async () => {
  const done = async () => ({ type: "DONE" }) as const;
  const { post, asked } = edge({ relay: { report: done, callReply: done } });
  expect((await post("/agent-link/v1/relay/relay-1/report", report)).status).toBe(200);
  expect((await post("/agent-link/v1/relay/relay-1/call-reply", reply)).status).toBe(200);
  expect(asked[0]).toEqual(["relay.report", "relay-1", report, JSON.stringify(report).length]);
});

test.each([
  ["REGISTER_AGAIN", 409],
  ["TRY_AGAIN", 503],
  ["CALL_UNKNOWN", 410],
] as const)("%s is a %i that an agent can read", async (code, status) => {
  const refused = async () => ({ type: "REFUSED", code }) as const;
  const response = await edge({ relay: { report: refused } }).post(
    "/agent-link/v1/relay/relay-1/report",
    report,
  );
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

test.each([
  ["/agent-link/v1/relay/relay-1/poll", "{", 400, "BAD_REQUEST"],
  ["/agent-link/v1/relay/relay-1/poll", { agent_id }, 400, "BAD_REQUEST"],
  ["/agent-link/v1/relay/nosuch/poll", poll, 404, "RELAY_NOT_FOUND"],
  ["/agent-link/v1/relay/relay-1/nosuch", poll, 404, "NOT_FOUND"],
])("POST %s of %j is refused in JSON", async (path, body, status, code) => {
  const response = await edge().post(path, body);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ code });
});

test("an object that does not answer is TRY_AGAIN to an agent", async () => {
  const relay = {
    poll: async () => {
      throw new ObjectUnreached("reset");
    },
  };
  const response = await edge({ relay }).post("/agent-link/v1/relay/relay-1/poll", poll);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "TRY_AGAIN" });
});

const relayOf = async () => "relay-1" as RelayId;

test("an operator's call reaches the agent through its relay, and the answer comes back as it is", async () => {
  const answer = new Response("log");
  const { post, asked } = edge({ master: { relayOf }, relay: { call: async () => answer } });
  expect(await post("/agent/a-S0/api/v1", { type: "GET_HEALTH" })).toBe(answer);
  expect(asked).toEqual([
    ["master.relayOf", "a-S0"],
    ["relay.call", "relay-1", "a-S0", { call: { type: "GET_HEALTH" } }, undefined],
  ]);
});

test("what the operator accepts, and records as they are, go to the agent", async () => {
  const call = async () => new Response("log");
  const { post, asked } = edge({ master: { relayOf }, relay: { call } });
  const session = { container_id: { value: "c", parent: { value: "p" } } };
  const attach = { type: "ATTACH_CONTAINER_OUTPUT", attach_container_output: session };
  const headers = { Accept: "application/recordio", "Message-Accept": "application/json" };
  await post("/agent/a-S0/api/v1", attach, headers);
  expect(asked[1]?.[3]).toEqual({
    call: attach,
    accept: "application/recordio",
    message_accept: "application/json",
  });
  const records = {
    "Content-Type": "application/recordio",
    "Message-Content-Type": "application/json",
  };
  await post("/agent/a-S0/api/v1", "2\n{}", records);
  expect(asked[3]?.[3]).toEqual({
    call: { type: "ATTACH_CONTAINER_INPUT" },
    records: "application/json",
  });
  expect(await new Response(asked[3]?.[4] as ReadableStream).text()).toBe("2\n{}");
});

test.each([
  ["an empty request", { data: undefined, last: undefined }, { type: "NOTHING" }],
  [
    "a piece",
    { data: "YQ==", last: false },
    { type: "PIECE", data: new TextEncoder().encode("a"), last: false },
  ],
] as const)("what the operator sends reaches the agent: %s", async (_, body, answer) => {
  const { post, asked } = edge({ relay: { callInput: async () => answer } });
  const request = { ...agentSession, call_id: "c", sequence: 3 };
  const response = await post("/agent-link/v1/relay/relay-1/call-input", request);
  expect(await response.json()).toEqual(JSON.parse(JSON.stringify(body)));
  expect(asked).toEqual([["relay.callInput", "relay-1", request]]);
});

test.each([
  ["AGENT_NOT_CONNECTED", 503],
  ["TOO_MANY_CALLS", 503],
  ["AGENT_LOST", 503],
  ["TIMED_OUT", 504],
] as const)("a call that ends as %s is a %i with the agent's id", async (refusal, expected) => {
  const { post } = edge({ master: { relayOf }, relay: { call: async () => refusal } });
  const [status, sentence] = await outcome(post("/agent/a-S0/api/v1", { type: "GET_HEALTH" }));
  expect(status).toBe(expected);
  expect(sentence).toContain("a-S0");
});

test.each([
  ["of an agent that is not known", { type: "GET_HEALTH" }, 404],
  ["without a type", {}, 400],
  ["without its part", { type: "READ_FILE" }, 400],
  ["that agents do not answer over the link", { type: "MARK_RESOURCE_PROVIDER_GONE" }, 501],
])("a call %s is refused", async (_, call, status) => {
  const { post } = edge({ master: { relayOf: async () => undefined } });
  expect((await post("/agent/a-S0/api/v1", call)).status).toBe(status);
});
