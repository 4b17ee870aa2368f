import fc from "fast-check";
import { expect, test } from "vitest";
import type * as master from "../../worker/protocol/v1/master.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import {
  type Elements,
  jsonLength,
  jsonPieces,
  type LongMessage,
  longMessage,
  protobufLengths,
  protobufPieces,
} from "../../worker/protocol/wire/long-message.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { arbitraryMessage } from "./arbitrary-message.ts";

/** Now and then a pause. */
const slowly =
  <E>(elements: readonly E[] | undefined): Elements<E> =>
  () =>
    (elements ?? []).flatMap((element, at) => (at % 3 === 0 ? [undefined, element] : [element]));

/** An event that begins an operator's stream, in the long form. */
function long(event: master.Event): LongMessage {
  const { get_agents, get_tasks, get_executors } = event.subscribed?.get_state ?? {};
  const state = longMessage("mesos.v1.master.Response.GetState", (of) => [
    of.message(
      "get_tasks",
      longMessage("mesos.v1.master.Response.GetTasks", (list) => [
        list.list("tasks", slowly(get_tasks?.tasks)),
        list.list("unreachable_tasks", slowly(get_tasks?.unreachable_tasks)),
        list.list("completed_tasks", slowly(get_tasks?.completed_tasks)),
      ]),
    ),
    of.message(
      "get_executors",
      longMessage("mesos.v1.master.Response.GetExecutors", (list) => [
        list.list("executors", slowly(get_executors?.executors)),
      ]),
    ),
    of.message(
      "get_agents",
      longMessage("mesos.v1.master.Response.GetAgents", (list) => [
        list.list("agents", slowly(get_agents?.agents)),
        list.list("recovered_agents", slowly(get_agents?.recovered_agents)),
      ]),
    ),
  ]);
  return longMessage("mesos.v1.master.Event", (of) => [
    of.fields({ type: "SUBSCRIBED" }),
    of.message(
      "subscribed",
      longMessage("mesos.v1.master.Event.Subscribed", (within) => [
        within.message("get_state", state),
        within.fields({ heartbeat_interval_seconds: 15 }),
      ]),
    ),
  ]);
}

const DEPTH = 2;
const events: fc.Arbitrary<master.Event> = fc
  .record({
    get_tasks: arbitraryMessage("mesos.v1.master.Response.GetTasks", DEPTH),
    get_executors: arbitraryMessage("mesos.v1.master.Response.GetExecutors", DEPTH),
    get_agents: arbitraryMessage("mesos.v1.master.Response.GetAgents", DEPTH),
  })
  .map(({ get_tasks, get_executors, get_agents }) => {
    const { tasks, unreachable_tasks, completed_tasks } = get_tasks;
    const { executors } = get_executors;
    const get_state = {
      get_tasks: { tasks, unreachable_tasks, completed_tasks },
      get_executors: { executors },
      get_agents,
    };
    const subscribed = { get_state, heartbeat_interval_seconds: 15 };
    // An arbitrary message is one of the type that it was asked for.
    return { type: "SUBSCRIBED", subscribed } as master.Event;
  });

function finished<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

test("the pieces of a long message are what the whole message is encoded as", () => {
  fc.assert(
    fc.property(events, (event) => {
      const message = long(event);
      const json = [...jsonPieces(message)].join("");
      expect(json).toBe(encodeJson("mesos.v1.master.Event", event));
      expect(finished(jsonLength(message))).toBe(Buffer.byteLength(json));
      const lengths = finished(protobufLengths(message));
      const bytes = Buffer.concat([...protobufPieces(message, lengths)]);
      expect(bytes.equals(encodeProtobuf("mesos.v1.master.Event", event))).toBe(true);
      expect(lengths[0]).toBe(bytes.length);
    }),
    { numRuns: 15 },
  );
});

test("a list without elements is written in JSON, and leaves no bytes in protobuf", () => {
  const message = longMessage("mesos.v1.master.Response.GetExecutors", (of) => [
    of.list("executors", () => [undefined]),
  ]);
  expect([...jsonPieces(message)].join("")).toBe('{"executors":[]}');
  expect(finished(protobufLengths(message))).toEqual([0]);
});
