/** An operator's call goes through master, relay and agent, and streams back. */
import { reset, SELF } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { RecordDecoder } from "../../worker/protocol/wire/record-io.ts";
import { post, sleep, TestAgent } from "./cluster.ts";

afterEach(reset);

async function reply(agent: TestAgent, callId: string, piece: object): Promise<number> {
  const response = await post(`/agent-link/v1/relay/${agent.relayId}/call-reply`, {
    agent_id: { value: agent.id },
    session_id: agent.sessionId,
    call_id: callId,
    ...piece,
  });
  return response.status;
}

test("an agent's answer reaches the operator in pieces, with the agent's status and type", async () => {
  const agent = await TestAgent.register();
  const answered = post(`/agent/${agent.id}/api/v1`, { type: "GET_HEALTH" });
  const [command] = await agent.commands();
  const callId = command?.call?.call_id ?? "";
  expect(command?.call?.call.type).toBe("GET_HEALTH");
  const head = { status: 200, content_type: "text/x-log" };
  expect(await reply(agent, callId, { sequence: 0, ...head, data: btoa("one ") })).toBe(200);
  const response = await answered;
  expect(response.headers.get("Content-Type")).toBe("text/x-log");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe("one ");
  expect(await reply(agent, callId, { sequence: 1, data: btoa("two"), last: true })).toBe(200);
  expect((await reader?.read())?.value).toBe("two");
  expect((await reader?.read())?.done).toBe(true);
  expect(await reply(agent, callId, { sequence: 2, data: btoa("three") })).toBe(410);
});

test("a caller that does not read holds the agent back, and loses nothing", async () => {
  const agent = await TestAgent.register();
  const answered = post(`/agent/${agent.id}/api/v1`, { type: "GET_HEALTH" });
  const callId = (await agent.commands())[0]?.call?.call_id ?? "";
  const data = btoa("x".repeat(250_000));
  let taken = 0;
  const sending = (async () => {
    for (let sequence = 0; sequence < 60; sequence++) {
      const head = sequence === 0 ? { status: 200, content_type: "text/plain" } : {};
      await reply(agent, callId, { sequence, data, ...head, last: sequence === 59 });
      taken++;
    }
  })();
  const response = await answered;
  await sleep(500);
  expect(taken).toBeLessThan(20);
  expect((await response.text()).length).toBe(60 * 250_000);
  await sending;
});

test("records that break off with their agent do not read as whole", async () => {
  const agent = await TestAgent.register();
  const answered = post(`/agent/${agent.id}/api/v1`, { type: "GET_HEALTH" });
  const callId = (await agent.commands())[0]?.call?.call_id ?? "";
  const head = { status: 200, content_type: "application/recordio" };
  await reply(agent, callId, { sequence: 0, ...head, data: btoa("3\none") });
  const response = await answered;
  // Another process of the same agent: the answer's maker is gone.
  await TestAgent.register({ id: agent.id });
  const decoder = new RecordDecoder(1_000);
  const body = new Uint8Array(await response.arrayBuffer());
  const { records } = decoder.push(body);
  expect(records.map((record) => new TextDecoder().decode(record))).toEqual(["one"]);
  expect(decoder.end().ok).toBe(false);
});

/** What the operator has sent, piece by piece; the request is held until there is something. */
async function input(agent: TestAgent, callId: string, sequence: number): Promise<Response> {
  return await post(`/agent-link/v1/relay/${agent.relayId}/call-input`, {
    agent_id: { value: agent.id },
    session_id: agent.sessionId,
    call_id: callId,
    sequence,
  });
}

test("what an operator streams reaches the agent while it is sent, and its end too", async () => {
  const agent = await TestAgent.register();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const headers = {
    "Content-Type": "application/recordio",
    "Message-Content-Type": "application/json",
  };
  const url = `http://master/agent/${agent.id}/api/v1`;
  const answered = SELF.fetch(url, { method: "POST", headers, body: readable });
  const [command] = await agent.commands();
  expect(command?.call).toMatchObject({
    call: { type: "ATTACH_CONTAINER_INPUT" },
    records: "application/json",
  });
  const callId = command?.call?.call_id ?? "";
  for (const [sequence, text] of ["one", "two"].entries()) {
    const asked = input(agent, callId, sequence);
    await writer.write(new TextEncoder().encode(text));
    expect(await (await asked).json()).toEqual({ data: btoa(text), last: false });
  }
  // The answer to the second was lost.
  expect(await (await input(agent, callId, 1)).json()).toEqual({ data: btoa("two"), last: false });
  const end = input(agent, callId, 2);
  await writer.close();
  expect(await (await end).json()).toEqual({ data: "", last: true });
  await reply(agent, callId, { sequence: 0, status: 200, content_type: "", last: true });
  const response = await answered;
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, null]);
});

test("an agent that waits for input hears at once that the operator reads no more", async () => {
  const agent = await TestAgent.register();
  const answered = post(`/agent/${agent.id}/api/v1`, { type: "GET_HEALTH" });
  const callId = (await agent.commands())[0]?.call?.call_id ?? "";
  const head = { status: 200, content_type: "application/recordio" };
  const typed = { ...head, message_content_type: "application/json" };
  await reply(agent, callId, { sequence: 0, ...typed, data: btoa("a") });
  const response = await answered;
  expect(response.headers.get("Message-Content-Type")).toBe("application/json");
  const asked = input(agent, callId, 0);
  await response.body?.cancel();
  expect((await asked).status).toBe(410);
});

test("an agent that is not known is a 404", async () => {
  expect((await post("/agent/nosuch/api/v1", { type: "GET_HEALTH" })).status).toBe(404);
});

test("a newer poll of an agent frees the older one", async () => {
  const agent = await TestAgent.register();
  const older = agent.poll();
  const newer = agent.poll();
  expect((await older).status).toBe(200);
  void post(`/agent/${agent.id}/api/v1`, { type: "GET_HEALTH" });
  const { commands } = await (await newer).json<{ commands: { type: string }[] }>();
  expect(commands.map(({ type }) => type)).toEqual(["CALL"]);
});
