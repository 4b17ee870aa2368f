/** Bounds of calls, each at its border: what fits passes, one more is refused with a sentence. */
import { expect, test } from "vitest";
import {
  EXECUTOR_INFO_LENGTH,
  MESSAGE_BYTES,
  OFFERS_PER_CALL,
  OPERATION_LENGTH,
  OPERATIONS_PER_CALL,
  TASK_INFO_LENGTH,
  TASKS_PER_CALL,
  TASKS_PER_RECONCILE,
} from "../../worker/protocol/limits.ts";
import { accepted, edge, outcome } from "./edge.ts";

const framework_id = { value: "f" };
const agent_id = { value: "a" };
const task = (id: string, data = ""): object => ({
  name: id,
  task_id: { value: id },
  agent_id,
  data: Buffer.from(data).toString("base64"),
});
const times = (count: number, value: object): object[] =>
  Array.from({ length: count }, () => value);
const offers = (count: number): object[] => times(count, { value: "o" });
const accept = (operations: object[], offer_ids = offers(1)): object => ({
  type: "ACCEPT",
  accept: { offer_ids, operations },
});
const launch = (tasks: object[]): object => ({ type: "LAUNCH", launch: { task_infos: tasks } });
const executor = (source: string): object => ({
  type: "LAUNCH_GROUP",
  launch_group: { executor: { executor_id: { value: "e" }, source }, task_group: {} },
});
const reserve = (key: string): object => ({
  type: "RESERVE",
  reserve: {
    resources: [
      {
        name: "cpus",
        type: "SCALAR",
        scalar: { value: 1 },
        reservations: [{ type: "DYNAMIC", role: "r", labels: { labels: [{ key }] } }],
      },
    ],
  },
});
/** Room for everything in the value but its long text. */
const ROOM = 1_000;
const long = (length: number): string => "x".repeat(length);

/** By the field that the refusal names: the largest that fits, and the smallest that does not. */
const bounds: Readonly<Record<string, readonly [fits: object, beyond: object]>> = {
  "accept.offer_ids": [
    accept([], offers(OFFERS_PER_CALL)),
    accept([], offers(OFFERS_PER_CALL + 1)),
  ],
  "accept.operations": [
    accept(times(OPERATIONS_PER_CALL, launch([]))),
    accept(times(OPERATIONS_PER_CALL + 1, launch([]))),
  ],
  "accept.operations.launch.task_infos": [
    accept([launch(times(TASKS_PER_CALL, task("t")))]),
    accept([launch(times(TASKS_PER_CALL, task("t"))), launch([task("t")])]),
  ],
  "task_info 'big'": [
    // Bytes are in base64.
    accept([launch([task("big", long((TASK_INFO_LENGTH * 3) / 4 - ROOM))])]),
    accept([launch([task("big", long((TASK_INFO_LENGTH * 3) / 4))])]),
  ],
  "task_info 'behind'": [
    accept([
      {
        ...launch([]),
        launch_group: { executor: { executor_id: { value: "e" } }, task_group: {} },
      },
    ]),
    accept([
      {
        ...launch([task("t")]),
        launch_group: {
          executor: { executor_id: { value: "e" } },
          task_group: { tasks: [task("behind", long(TASK_INFO_LENGTH))] },
        },
      },
    ]),
  ],
  "accept.operations.launch_group.executor": [
    accept([executor(long(EXECUTOR_INFO_LENGTH - ROOM))]),
    accept([executor(long(EXECUTOR_INFO_LENGTH))]),
  ],
  "accept.operations, RESERVE": [
    accept([reserve(long(OPERATION_LENGTH - ROOM))]),
    accept([reserve(long(OPERATION_LENGTH))]),
  ],
  "decline.offer_ids": [
    { type: "DECLINE", decline: { offer_ids: offers(OFFERS_PER_CALL) } },
    { type: "DECLINE", decline: { offer_ids: offers(OFFERS_PER_CALL + 1) } },
  ],
  "accept_inverse_offers.inverse_offer_ids": [
    {
      type: "ACCEPT_INVERSE_OFFERS",
      accept_inverse_offers: { inverse_offer_ids: offers(OFFERS_PER_CALL) },
    },
    {
      type: "ACCEPT_INVERSE_OFFERS",
      accept_inverse_offers: { inverse_offer_ids: offers(OFFERS_PER_CALL + 1) },
    },
  ],
  "decline_inverse_offers.inverse_offer_ids": [
    {
      type: "DECLINE_INVERSE_OFFERS",
      decline_inverse_offers: { inverse_offer_ids: offers(OFFERS_PER_CALL) },
    },
    {
      type: "DECLINE_INVERSE_OFFERS",
      decline_inverse_offers: { inverse_offer_ids: offers(OFFERS_PER_CALL + 1) },
    },
  ],
  "reconcile.tasks": [
    { type: "RECONCILE", reconcile: { tasks: times(TASKS_PER_RECONCILE, { task_id: agent_id }) } },
    {
      type: "RECONCILE",
      reconcile: { tasks: times(TASKS_PER_RECONCILE + 1, { task_id: agent_id }) },
    },
  ],
  "reconcile_operations.operations": [
    {
      type: "RECONCILE_OPERATIONS",
      reconcile_operations: {
        operations: times(TASKS_PER_RECONCILE, { operation_id: agent_id }),
      },
    },
    {
      type: "RECONCILE_OPERATIONS",
      reconcile_operations: {
        operations: times(TASKS_PER_RECONCILE + 1, { operation_id: agent_id }),
      },
    },
  ],
  "message.data": [message(MESSAGE_BYTES), message(MESSAGE_BYTES + 1)],
};

function message(bytes: number): object {
  const data = Buffer.alloc(bytes).toString("base64");
  return { type: "MESSAGE", message: { agent_id, executor_id: { value: "e" }, data } };
}

test.each(Object.entries(bounds))("%s are bounded", async (field, [fits, beyond]) => {
  const { post, asked } = edge({ master: { apply: async () => accepted } });
  const send = (call: object): Promise<[number, string]> =>
    outcome(post("/api/v1/scheduler", { framework_id, ...call }, { "Mesos-Stream-Id": "s" }));
  expect(await send(fits)).toEqual([202, ""]);
  const [status, sentence] = await send(beyond);
  expect(status).toBe(400);
  expect(sentence).toContain(
    `Failed to validate scheduler::Call: '${field.replace(", RESERVE", "")}`,
  );
  expect(asked).toHaveLength(1);
});

test("an operator's operation that the store could not hold is refused, as a call and as a form", async () => {
  const { post, request, asked } = edge();
  const { reserve: part } = { reserve: { resources: [] }, ...reserve(long(OPERATION_LENGTH)) };
  const { resources } = part;
  const call = { type: "RESERVE_RESOURCES", reserve_resources: { agent_id, resources } };
  const form = new URLSearchParams({ slaveId: "a", resources: JSON.stringify(resources) });
  const answers = [
    post("/api/v1", call),
    request("/reserve", { method: "POST", body: form.toString() }),
  ];
  for (const answer of answers) {
    const [status, sentence] = await outcome(answer);
    expect(status).toBe(400);
    expect(sentence).toContain("'reserve_resources' is longer than");
  }
  expect(asked).toEqual([]);
});

const NINE_MB = 9 * 1024 * 1024;

/** Zeros in pieces, and at the end what a connection that breaks looks like. */
function zeros(bytes: number, end: "CLOSED" | "BROKEN"): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull: (controller) => {
      const length = Math.min(left, 65_536);
      left -= length;
      if (length > 0) controller.enqueue(new Uint8Array(length));
      else if (end === "CLOSED") controller.close();
      else controller.error(new Error("the connection was lost"));
    },
  });
}

test.each([
  ["that does not tell its length", {}, NINE_MB, 413],
  ["that tells a length that is none", { "Content-Length": "1e3" }, NINE_MB, 413],
  ["that tells a shorter length", { "Content-Length": "2" }, NINE_MB, 413],
  ["that tells too long a length, and is short", { "Content-Length": String(NINE_MB) }, 2, 413],
])("a body %s is bounded", async (_, lengths, bytes, expected) => {
  const headers = { "Content-Type": "application/json", ...lengths };
  const init = { method: "POST", headers, body: zeros(bytes, "CLOSED"), duplex: "half" } as const;
  const { request, asked } = edge();
  expect((await request("/api/v1", init)).status).toBe(expected);
  expect(asked).toEqual([]);
});

const lengthsOfBroken: readonly Record<string, string>[] = [{}, { "Content-Length": "100" }];

test.each(lengthsOfBroken)(
  "a body that breaks off is the client's mistake, not a bug of ours",
  async (lengths) => {
    const headers = { "Content-Type": "application/json", ...lengths };
    const init = { method: "POST", headers, body: zeros(50, "BROKEN"), duplex: "half" } as const;
    const [status, sentence] = await outcome(edge().request("/api/v1", init));
    expect(status).toBe(400);
    expect(sentence).toContain("broke off");
  },
);
