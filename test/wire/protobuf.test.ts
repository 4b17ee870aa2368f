import { describe, expect, test } from "vitest";
import type { MessageName } from "../../worker/protocol/descriptors.ts";
import { REQUEST_PROTOBUF } from "../../worker/protocol/limits.ts";
import { type DecodeError, describeDecodeError } from "../../worker/protocol/wire/decode-error.ts";
import {
  decodeProtobuf,
  decodeProtobufWithin,
  encodeProtobuf,
} from "../../worker/protocol/wire/protobuf.ts";

/** Rule, message without its package, bytes in hexadecimal, what it decodes to. */
type Accepted = readonly [rule: string, name: string, hex: string, message: object];
/** Rule, message without its package, bytes in hexadecimal, facts of the error. */
type Refused = readonly [rule: string, name: string, hex: string, error: Partial<DecodeError>];

function full(name: string): MessageName {
  // The tables below name messages of this package only.
  return `mesos.v1.${name}` as MessageName;
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

const allOnes = "ff ".repeat(9);
const nan = "00 00 00 00 00 00 f8 7f";
const five = "00 00 00 00 00 00 14 40";
const stat = "08 01"; // port 1, which HTTPCheckInfo requires

// biome-ignore format: one case a line.
const accepted: readonly Accepted[] = [
  ["nothing at all is a message without fields", "Filters", "", {}],
  ["a string", "TaskID", "0a 01 74", { value: "t" }],
  ["an empty string is set", "TaskID", "0a 00", { value: "" }],
  ["UTF-8", "TaskID", "0a 07 c3a9 f0 9f 98 80 74", { value: "é😀t" }],
  ["bytes", "UUID", "0a 02 00 ff", { value: Uint8Array.of(0, 255) }],
  ["empty strings inside messages", "Offer.Operation.Launch", "0a 0a 0a 00 12 02 0a 00 1a 02 0a 00", { task_infos: [{ name: "", task_id: { value: "" }, agent_id: { value: "" } }] }],

  ["a double", "Filters", `09 ${five}`, { refuse_seconds: 5 }],
  ["-0", "Filters", "09 00 00 00 00 00 00 00 80", { refuse_seconds: -0 }],
  ["Infinity", "Filters", "09 00 00 00 00 00 00 f0 7f", { refuse_seconds: Number.POSITIVE_INFINITY }],
  ["an optional NaN is unset", "Filters", `09 ${nan}`, {}],
  ["a NaN takes back the number before it", "Filters", `09 ${five} 09 ${nan}`, {}],
  ["a number after a NaN counts", "Filters", `09 ${nan} 09 ${five}`, { refuse_seconds: 5 }],

  ["true", "CommandInfo", "30 01", { shell: true }],
  ["false", "CommandInfo", "30 00", { shell: false }],
  ["every number but 0 is true", "CommandInfo", "30 80 80 80 80 80 80 80 80 80 01", { shell: true }],
  ["int32 in 10 bytes when negative", "Address", `18 ${allOnes} 01`, { port: -1 }],
  ["int32 in 5 bytes when negative", "Address", "18 ff ff ff ff 0f", { port: -1 }],
  ["uint32 up to its largest", "HealthCheck.HTTPCheckInfo", "08 ff ff ff ff 0f", { port: 4294967295 }],
  ["int64 -1", "TimeInfo", `08 ${allOnes} 01`, { nanoseconds: -1n }],
  ["the smallest int64", "TimeInfo", "08 80 80 80 80 80 80 80 80 80 01", { nanoseconds: -(2n ** 63n) }],
  ["int64 beyond 2^53", "TimeInfo", "08 81 80 80 80 80 80 80 10", { nanoseconds: 2n ** 53n + 1n }],
  ["the largest uint64", "Value.Range", `08 00 10 ${allOnes} 01`, { begin: 0n, end: 2n ** 64n - 1n }],
  ["bits beyond the 64th are nothing", "TimeInfo", `08 ${allOnes} 7f`, { nanoseconds: -1n }],
  ["a number may be longer than needed", "TimeInfo", "08 81 80 80 00", { nanoseconds: 1n }],
  ["a tag may be longer than needed", "TimeInfo", "88 80 00 01", { nanoseconds: 1n }],

  ["an enum", "Image", "08 02", { type: "DOCKER" }],
  ["an unknown number of an optional enum is dropped", "HealthCheck", "40 63", {}],
  ["an unknown number does not take back a known one", "HealthCheck", "40 01 40 63", { type: "COMMAND" }],
  ["unknown numbers in a list are dropped", "CapabilityInfo", "08 63 08 e8 07", { capabilities: ["CHOWN"] }],
  ["a list of nothing but unknown numbers is unset", "CapabilityInfo", "08 63", {}],

  ["a list, one by one", "HealthCheck.HTTPCheckInfo", `${stat} 20 c8 01 20 02`, { port: 1, statuses: [200, 2] }],
  ["a list in one piece", "HealthCheck.HTTPCheckInfo", `${stat} 22 03 c8 01 02`, { port: 1, statuses: [200, 2] }],
  ["a list both ways", "HealthCheck.HTTPCheckInfo", `20 01 22 02 02 03 ${stat} 20 04`, { port: 1, statuses: [1, 2, 3, 4] }],
  ["an empty list in one piece is unset", "HealthCheck.HTTPCheckInfo", `${stat} 22 00`, { port: 1 }],
  ["enums in one piece", "CapabilityInfo", "0a 05 e8 07 63 e9 07", { capabilities: ["CHOWN", "DAC_OVERRIDE"] }],

  ["the last value counts", "TaskID", "0a 01 61 0a 01 62", { value: "b" }],
  ["two parts of a message are one", "URL", "0a 01 73 12 03 0a 01 68 12 03 18 93 27", { scheme: "s", address: { hostname: "h", port: 5011 } }],
  ["lists in two parts of a message follow each other", "Value", "08 01 1a 06 0a 04 08 01 10 02 1a 06 0a 04 08 03 10 04", { type: "RANGES", ranges: { range: [{ begin: 1n, end: 2n }, { begin: 3n, end: 4n }] } }],

  ["unknown fields of every kind", "TaskID", `78 01 0a 01 74 79 ${five} 7a 02 ff ff 7d 00 00 00 00`, { value: "t" }],
  ["an unknown group, with groups in it", "TaskID", "7b 08 01 83 01 0a 01 61 84 01 7c 0a 01 74", { value: "t" }],
  ["a known field of another wire type", "TaskID", "08 01 0a 01 74 0d 00 00 00 00", { value: "t" }],

  ["a map", "quota.QuotaConfig", `0a 01 72 1a 11 0a 04 63 70 75 73 12 09 09 ${five}`, { role: "r", limits: { cpus: { value: 5 } } }],
  ["an entry's value before its key", "quota.QuotaConfig", `0a 01 72 1a 0e 12 09 09 ${five} 0a 01 61`, { role: "r", limits: { a: { value: 5 } } }],
  ["an entry without a key has the empty one", "quota.QuotaConfig", `0a 01 72 1a 0b 12 09 09 ${five}`, { role: "r", limits: { "": { value: 5 } } }],
  ["the last of two equal keys counts", "quota.QuotaConfig", `0a 01 72 1a 0e 0a 01 61 12 09 09 ${nan.replace("f8", "e0")} 1a 0e 0a 01 61 12 09 09 ${five}`, { role: "r", limits: { a: { value: 5 } } }],
];

describe("accepted", () => {
  test.each(accepted)("%s (%s %s)", (_, name, hex, value) => {
    const decoded = decodeProtobuf(full(name), bytes(hex));
    expect(decoded.ok ? "" : describeDecodeError(decoded.error)).toBe("");
    expect(decoded).toStrictEqual({ ok: true, value });
  });
});

const notProtobuf = { code: "PROTOBUF_MALFORMED" } as const;

// biome-ignore format: one case a line.
const refused: readonly Refused[] = [
  ["a tag that is cut off", "TaskID", "8a", { ...notProtobuf, path: "", offset: 0 }],
  ["a field that is cut off", "TaskID", "0a", { ...notProtobuf, path: "value", offset: 1 }],
  ["a number that is cut off", "TimeInfo", "08 ff", { ...notProtobuf, path: "nanoseconds", offset: 1 }],
  ["a number of 11 bytes", "TimeInfo", `08 ${allOnes} ff 01`, { ...notProtobuf, path: "nanoseconds" }],
  ["a double that is cut off", "Filters", "09 00 00 00", { ...notProtobuf, path: "refuse_seconds" }],
  ["a length that says too much", "TaskID", "0a 02 61", { ...notProtobuf, path: "value", offset: 2 }],
  ["a length of 2^31", "TaskID", "0a 80 80 80 80 08 61", notProtobuf],
  ["a length of 2^32", "TaskID", "0a 80 80 80 80 10 61", notProtobuf],
  ["a negative length", "TaskID", `0a ${allOnes} 01 61`, notProtobuf],
  ["a message that is longer than the one around it", "URL", "0a 01 73 12 04 18 93 27", { ...notProtobuf, path: "address" }],
  ["a field that goes beyond its message", "Offer.Operation.Launch", "0a 03 0a 05 61 61 61 61 61", { ...notProtobuf, path: "task_infos[0].name" }],
  ["field number 0", "TaskID", "02 01 61", { ...notProtobuf, path: "", offset: 0 }],
  ["a tag of more than 32 bits", "TaskID", "8a 80 80 80 10 01 61", { ...notProtobuf, offset: 0 }],
  ["wire type 6", "TaskID", "7e 01", notProtobuf],
  ["wire type 7", "TaskID", "7f 01", notProtobuf],
  ["the end of a group that never began", "TaskID", "7c", notProtobuf],
  ["a group without an end", "TaskID", "7b 08 01", notProtobuf],
  ["the end of another group", "TaskID", "7b 84 01", notProtobuf],
  ["an unknown field that is cut off", "TaskID", "7a 05 61", notProtobuf],
  ["a list in one piece that is cut off", "HealthCheck.HTTPCheckInfo", `${stat} 22 02 01 ff`, { ...notProtobuf, path: "statuses[1]" }],
  ["JSON", "scheduler.Call", Buffer.from('{"type":"REVIVE"}').toString("hex"), { ...notProtobuf, path: "" }],

  ["Latin-1", "TaskID", "0a 01 e9", { code: "TEXT_NOT_UTF8", path: "value" }],
  ["an overlong character", "TaskID", "0a 02 c0 80", { code: "TEXT_NOT_UTF8", path: "value" }],
  ["half a surrogate pair", "TaskID", "0a 03 ed a0 80", { code: "TEXT_NOT_UTF8", path: "value" }],
  ["a character that is cut off", "Labels", "0a 04 0a 02 61 c3", { code: "TEXT_NOT_UTF8", path: "labels[0].key" }],
  ["a key that is no text", "quota.QuotaConfig", "0a 01 72 1a 03 0a 01 ff", { code: "TEXT_NOT_UTF8", path: "limits" }],
  ["the key __proto__", "quota.QuotaConfig", `0a 01 72 1a 0b 0a 09 ${Buffer.from("__proto__").toString("hex")}`, { code: "MAP_KEY_REFUSED", path: "limits" }],

  ["an unknown number of a required enum", "Image", "08 63", { code: "ENUM_UNKNOWN", path: "type", text: "99" }],
  ["a required NaN", "Resource", `0a 01 63 10 00 1a 09 09 ${nan}`, { code: "NUMBER_IS_NAN", path: "scalar.value" }],
  ["a required NaN in a map", "quota.QuotaConfig", `0a 01 72 1a 0e 0a 01 61 12 09 09 ${nan}`, { code: "NUMBER_IS_NAN", path: "limits.a.value" }],

  ["a missing field", "TaskID", "", { code: "REQUIRED_MISSING", paths: ["value"], more: 0 }],
  ["missing fields at every place", "TaskInfo", "12 00", { code: "REQUIRED_MISSING", paths: ["name", "agent_id", "task_id.value"] }],
  ["an entry of a map without its value", "quota.QuotaConfig", "0a 01 72 1a 03 0a 01 61", { code: "REQUIRED_MISSING", paths: ["limits.a.value"] }],
  ["missing fields of list elements", "Value.Ranges", "0a 04 08 01 10 02 0a 02 08 01 0a 00", { code: "REQUIRED_MISSING", paths: ["range[1].end", "range[2].begin", "range[2].end"] }],
];

describe("refused, with the place", () => {
  test.each(refused)("%s (%s %s)", (_, name, hex, facts) => {
    const decoded = decodeProtobuf(full(name), bytes(hex));
    expect(decoded).toMatchObject({ ok: false, error: facts });
    if (decoded.ok) return;
    const sentence = describeDecodeError(decoded.error);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    if ("path" in decoded.error) expect(sentence).toContain(decoded.error.path);
  });
});

/** Length, then content, that many times around nothing. */
function nested(levels: number, tag: number): Uint8Array {
  let message = Buffer.alloc(0);
  for (let level = 0; level < levels; level++) {
    const length =
      message.length < 128 ? [message.length] : [(message.length & 127) | 128, message.length >> 7];
    message = Buffer.concat([Buffer.from([tag, ...length]), message]);
  }
  return new Uint8Array(message);
}

describe("limits", () => {
  const parent = 0x12;

  test("100 messages inside each other are read, one more is not", () => {
    const { depth } = REQUEST_PROTOBUF;
    const deep = decodeProtobuf("mesos.v1.ContainerID", nested(depth - 1, parent));
    expect(deep).toMatchObject({
      ok: false,
      error: { code: "REQUIRED_MISSING", more: depth - 20 },
    });
    const deeper = decodeProtobuf("mesos.v1.ContainerID", nested(depth, parent));
    expect(deeper).toMatchObject({ ok: false, error: { code: "PROTOBUF_TOO_DEEP", limit: depth } });
  });

  test("a million levels need no stack, in messages and in unknown groups", () => {
    const groups = new Uint8Array(1_000_000).fill(0x7b);
    const result = decodeProtobuf("mesos.v1.ContainerID", groups);
    expect(result).toMatchObject({ ok: false, error: { code: "PROTOBUF_TOO_DEEP" } });
  });

  test("what costs more memory than it has bytes is counted", () => {
    const limits = { ...REQUEST_PROTOBUF, values: 3 };
    const labels = (count: number) => new Uint8Array(Buffer.from("0a020a00".repeat(count), "hex"));
    const few = decodeProtobufWithin("mesos.v1.Labels", labels(1), limits);
    expect(few).toStrictEqual({ ok: true, value: { labels: [{ key: "" }] } });
    const many = decodeProtobufWithin("mesos.v1.Labels", labels(2), limits);
    expect(many).toMatchObject({
      ok: false,
      error: { code: "PROTOBUF_TOO_MANY_VALUES", limit: 3 },
    });
  });

  test("a body of nothing but empty messages is refused before it fills the memory", () => {
    const body = new Uint8Array(REQUEST_PROTOBUF.length);
    for (let at = 0; at < body.length; at += 2) body[at] = 0x0a;
    const result = decodeProtobuf("mesos.v1.Labels", body);
    expect(result).toMatchObject({ ok: false, error: { code: "PROTOBUF_TOO_MANY_VALUES" } });
  });

  test("more bytes than a request may have are not looked at", () => {
    const body = new Uint8Array(REQUEST_PROTOBUF.length + 1);
    const result = decodeProtobuf("mesos.v1.Labels", body);
    expect(result).toMatchObject({ ok: false, error: { code: "PROTOBUF_TOO_LONG" } });
  });
});

describe("writing", () => {
  test("fields leave in the order of their numbers, explicit defaults not at all", () => {
    const uri = { value: "v", extract: false };
    const hex = Buffer.from(encodeProtobuf("mesos.v1.CommandInfo.URI", uri)).toString("hex");
    expect(hex).toBe("0a01761800");
    expect(encodeProtobuf("mesos.v1.Filters", {})).toStrictEqual(new Uint8Array());
  });

  test("half a surrogate pair leaves as U+FFFD", () => {
    const written = encodeProtobuf("mesos.v1.TaskID", { value: "a\ud800" });
    expect(written).toStrictEqual(bytes("0a 04 61 ef bf bd"));
  });

  test("a message that outgrows its buffer many times is whole", () => {
    const labels = Array.from({ length: 20_000 }, (_, index) => ({
      key: `key-${index}`,
      value: index % 2 === 0 ? "é".repeat(50) : "e".repeat(50),
    }));
    const written = encodeProtobuf("mesos.v1.Labels", { labels });
    expect(decodeProtobuf("mesos.v1.Labels", written)).toStrictEqual({
      ok: true,
      value: { labels },
    });
  });

  // biome-ignore format: one case a line.
  test.each<[string, MessageName, unknown]>([
    ["a required field that is not set", "mesos.v1.TaskID", {}],
    ["NaN", "mesos.v1.Filters", { refuse_seconds: Number.NaN }],
    ["a number where a bigint belongs", "mesos.v1.TimeInfo", { nanoseconds: 1 }],
    ["an int64 that is too large", "mesos.v1.TimeInfo", { nanoseconds: 2n ** 63n }],
    ["a negative uint64", "mesos.v1.Value.Range", { begin: -1n, end: 1n }],
    ["an int32 that is too large", "mesos.v1.Address", { port: 2 ** 31 }],
    ["a fraction", "mesos.v1.Address", { port: 0.5 }],
    ["no name of the enum", "mesos.v1.Image", { type: "RKT" }],
    ["a text where bytes belong", "mesos.v1.scheduler.Call", { message: { agent_id: { value: "a" }, executor_id: { value: "e" }, data: "x" } }],
    ["a lone value for a list", "mesos.v1.Labels", { labels: { key: "k" } }],
  ])("%s is a bug of ours", (_, name, message) => {
    expect(() => encodeProtobuf(name, message as never)).toThrow(/is set|holds|list/);
  });
});
