/** The scheduler API in binary protobuf, end to end. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { decodeProtobuf, encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { RecordDecoder } from "../../worker/protocol/wire/record-io.ts";
import { request, TestAgent } from "./cluster.ts";

afterEach(reset);

const PROTOBUF = "application/x-protobuf";

function send(call: scheduler.Call, headers: Record<string, string>): Promise<Response> {
  return request("/api/v1/scheduler", {
    method: "POST",
    headers: { "Content-Type": PROTOBUF, ...headers },
    body: encodeProtobuf("mesos.v1.scheduler.Call", call),
  });
}

async function* eventsOf(response: Response): AsyncGenerator<scheduler.Event> {
  const decoder = new RecordDecoder(1024 * 1024);
  for await (const chunk of response.body ?? []) {
    for (const record of decoder.push(chunk).records) {
      const event = decodeProtobuf("mesos.v1.scheduler.Event", record);
      if (!event.ok) throw new Error(event.error.code);
      yield event.value;
    }
  }
}

async function nextEvent(
  events: AsyncGenerator<scheduler.Event>,
  type: scheduler.EventType,
): Promise<scheduler.Event> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new Error(`the stream ended before ${type}`);
    if (value.type === type) return value;
  }
}

test("a framework that speaks nothing but protobuf launches a task", async () => {
  const framework_info = { user: "u", name: "binary", failover_timeout: 60 };
  const response = await send(
    { type: "SUBSCRIBE", subscribe: { framework_info } },
    { Accept: PROTOBUF },
  );
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe(PROTOBUF);
  const events = eventsOf(response);
  const { subscribed } = await nextEvent(events, "SUBSCRIBED");
  const agent = await TestAgent.register();
  const offer = (await nextEvent(events, "OFFERS")).offers?.offers?.[0];
  if (subscribed === undefined || offer === undefined) throw new Error("an offer is expected");
  const task: scheduler.Call = {
    type: "ACCEPT",
    framework_id: subscribed.framework_id,
    accept: {
      offer_ids: [offer.id],
      operations: [
        {
          type: "LAUNCH",
          launch: {
            task_infos: [
              {
                name: "t",
                task_id: { value: "t" },
                agent_id: offer.agent_id,
                resources: offer.resources,
                command: { value: "true" },
              },
            ],
          },
        },
      ],
    },
  };
  const streamId = response.headers.get("Mesos-Stream-Id") ?? "";
  expect((await send(task, { "Mesos-Stream-Id": streamId })).status).toBe(202);
  expect(await agent.commands()).toMatchObject([{ type: "RUN_TASK" }]);
});
