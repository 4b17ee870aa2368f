import { expect, test } from "vitest";
import type { Messages } from "../../worker/protocol/descriptors.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { keepEncoded } from "../../worker/protocol/wire/kept.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";

type Offer = Messages["mesos.v1.Offer"];

const name = "mesos.v1.Offer";

function attributes(rack: string): Offer["attributes"] & object {
  return [
    { name: "rack", type: "TEXT", text: { value: rack } },
    { name: "zone", type: "TEXT", text: { value: "é" } },
  ];
}

function offer(id: string, more: Partial<Offer>): Offer {
  return {
    id: { value: id },
    framework_id: { value: "f" },
    agent_id: { value: "a" },
    hostname: "h",
    ...more,
  };
}

/** Both encodings. */
function encoded(message: Offer): readonly [string, Uint8Array] {
  return [encodeJson(name, message), encodeProtobuf(name, message)];
}

test("a kept value is written as if it were not, the first time and every other", () => {
  const kept = keepEncoded(name, "attributes", attributes("r"));
  const agent_id = keepEncoded(name, "agent_id", { value: "a" });
  for (const id of ["first", "second", "third"]) {
    const plain = encoded(offer(id, { attributes: attributes("r") }));
    expect(encoded(offer(id, { attributes: kept, agent_id }))).toStrictEqual(plain);
  }
});

test("a kept value is what was given, for everybody who reads the message", () => {
  const value = attributes("r");
  expect(keepEncoded(name, "attributes", value)).toBe(value);
  expect(value).toStrictEqual(attributes("r"));
});

test("a changed copy of a kept value is written as it is", () => {
  const agent_id = keepEncoded(name, "agent_id", { value: "before" });
  encoded(offer("o", { agent_id }));
  const changed = { ...agent_id, value: "after" };
  const plain = encoded(offer("o", { agent_id: { value: "after" } }));
  expect(encoded(offer("o", { agent_id: changed }))).toStrictEqual(plain);
});

test("a value kept for one field is written as another field's where it is one", () => {
  const id = keepEncoded("mesos.v1.TaskInfo", "agent_id", { value: "x" });
  const task = { name: "t", task_id: id, agent_id: id };
  const plain = { name: "t", task_id: { value: "x" }, agent_id: { value: "x" } };
  for (let round = 0; round < 2; round++) {
    const written = encodeProtobuf("mesos.v1.TaskInfo", task);
    expect(written).toStrictEqual(encodeProtobuf("mesos.v1.TaskInfo", plain));
    expect(encodeJson("mesos.v1.TaskInfo", task)).toBe(encodeJson("mesos.v1.TaskInfo", plain));
  }
});

test("an empty list that is kept is left out", () => {
  const kept = keepEncoded(name, "attributes", []);
  expect(encoded(offer("o", { attributes: kept }))).toStrictEqual(encoded(offer("o", {})));
  expect(encoded(offer("o", { attributes: kept }))).toStrictEqual(encoded(offer("o", {})));
});

test("what is kept is written once: a value that breaks its promise shows it", () => {
  const value = { value: "before" };
  const agent_id = keepEncoded(name, "agent_id", value);
  const before = encoded(offer("o", { agent_id }));
  value.value = "after";
  expect(encoded(offer("o", { agent_id }))).toStrictEqual(before);
});
