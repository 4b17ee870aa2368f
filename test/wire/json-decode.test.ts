import { describe, expect, test } from "vitest";
import type { MessageName } from "../../worker/protocol/descriptors.ts";
import { MISSING_FIELDS_NAMED, REQUEST_JSON } from "../../worker/protocol/limits.ts";
import {
  type DecodeError,
  decodeJson,
  decodeJsonValue,
  decodeJsonWithin,
  describeDecodeError,
} from "../../worker/protocol/wire/json.ts";

/** Rule, message without its package, wire text, what it decodes to. */
type Accepted = readonly [rule: string, name: string, text: string, message: object];
/** Rule, message without its package, wire text, facts of the error. */
type Refused = readonly [rule: string, name: string, text: string, error: Partial<DecodeError>];

function full(name: string): MessageName {
  // The tables below name messages of this package only.
  return `mesos.v1.${name}` as MessageName;
}

const statusFields = { task_id: { value: "t" }, state: "TASK_RUNNING" };

function status(more: string): string {
  return `{"task_id":{"value":"t"},"state":"TASK_RUNNING",${more}}`;
}

function param(key: string, value: string): object {
  return { parameter: [{ key, value }] };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

// biome-ignore format: one case a line.
const accepted: readonly Accepted[] = [
  ["null is unset", "ContainerID", '{"value":"c","parent":null}', { value: "c" }],
  ["an absent field is unset, default or not", "Filters", "{}", {}],
  ["unknown keys are ignored", "TaskID", '{"value":"t","x":[{}],"y":1}', { value: "t" }],
  ["the last of two equal keys wins", "TaskID", '{"value":"a","value":"b"}', { value: "b" }],
  ["names are snake_case only", "Address", '{"port":1,"hostName":"h"}', { port: 1 }],

  ["a list", "Parameters", '{"parameter":[{"key":"k","value":"v"}]}', param("k", "v")],
  ["a lone object is a list of one", "Parameters", '{"parameter":{"key":"k","value":"v"}}', param("k", "v")],
  ["a lone scalar is a list of one", "Value.Set", '{"item":"a"}', { item: ["a"] }],
  ["an empty list is unset", "Value.Set", '{"item":[]}', {}],
  ["null in a list is nothing", "Value.Set", '{"item":[null,"a",null]}', { item: ["a"] }],

  ["an enum by its name", "Image", '{"type":"DOCKER"}', { type: "DOCKER" }],
  ["an unknown name of an optional enum is dropped", "HealthCheck", '{"type":"MAGIC"}', {}],
  ["an unknown name in a list is dropped", "CapabilityInfo", '{"capabilities":["X","CHOWN"]}', { capabilities: ["CHOWN"] }],
  ["a list of nothing but unknown names is unset", "CapabilityInfo", '{"capabilities":["X"]}', {}],

  ["true", "CommandInfo", '{"shell":true}', { shell: true }],
  ["false in a string", "CommandInfo", '{"shell":"false"}', { shell: false }],
  ["true in a string", "CommandInfo", '{"shell":"true"}', { shell: true }],

  ["int64 beyond 2^53", "TimeInfo", '{"nanoseconds":9007199254740993}', { nanoseconds: 9007199254740993n }],
  ["the smallest int64", "TimeInfo", '{"nanoseconds":-9223372036854775808}', { nanoseconds: -(2n ** 63n) }],
  ["int64 in a string", "TimeInfo", '{"nanoseconds":"9223372036854775807"}', { nanoseconds: 2n ** 63n - 1n }],
  ["the largest uint64", "Value.Range", '{"begin":0,"end":18446744073709551615}', { begin: 0n, end: 2n ** 64n - 1n }],
  ["the largest uint64 in a string", "Value.Range", '{"begin":"+1","end":"018446744073709551615"}', { begin: 1n, end: 2n ** 64n - 1n }],
  ["the smallest int64 in a string", "TimeInfo", '{"nanoseconds":"-9223372036854775808"}', { nanoseconds: -(2n ** 63n) }],
  ["uint64 in strings", "Value.Range", '{"begin":"31000","end":"0032000"}', { begin: 31000n, end: 32000n }],
  ["an integer written as a double", "TimeInfo", '{"nanoseconds":4.0}', { nanoseconds: 4n }],
  ["an integer with an exponent", "Address", '{"port":8e1}', { port: 80 }],
  ["minus zero is zero", "Address", '{"port":-0}', { port: 0 }],
  ["the largest uint32", "Port", '{"number":4294967295}', { number: 4294967295 }],
  ["a uint32 in a string", "Port", '{"number":"80"}', { number: 80 }],

  ["a double", "Value.Scalar", '{"value":0.1}', { value: 0.1 }],
  ["a double from an integer", "Value.Scalar", '{"value":4}', { value: 4 }],
  ["a double from a long integer", "Value.Scalar", '{"value":36893488147419103232}', { value: 2 ** 65 }],
  ["a double in a string", "Value.Scalar", '{"value":"-1.5e3"}', { value: -1500 }],
  ["infinity in a string", "Value.Scalar", '{"value":"Infinity"}', { value: Infinity }],
  ["minus infinity in a string", "Value.Scalar", '{"value":"-Infinity"}', { value: -Infinity }],
  ["infinity as Mesos writes it", "Value.Scalar", '{"value":Infinity}', { value: Infinity }],
  ["minus infinity as Mesos writes it", "Value.Scalar", '{"value": -Infinity }', { value: -Infinity }],

  ["base64", "TaskStatus", status('"data":"aGk="'), { ...statusFields, data: bytes("hi") }],
  ["base64 with blanks", "TaskStatus", status('"data":" a\\nGk ="'), { ...statusFields, data: bytes("hi") }],
  ["base64 without padding", "TaskStatus", status('"data":"aGk"'), { ...statusFields, data: bytes("hi") }],
  ["base64 ends at the first =", "TaskStatus", status('"data":"aGk=@@"'), { ...statusFields, data: bytes("hi") }],
  ["empty bytes are set", "TaskStatus", status('"data":""'), { ...statusFields, data: bytes("") }],

  ["a map", "quota.QuotaConfig", '{"role":"r","limits":{"cpus":{"value":1}}}', { role: "r", limits: { cpus: { value: 1 } } }],
  ["an empty map is unset", "quota.QuotaConfig", '{"role":"r","limits":{}}', { role: "r" }],
  ["null in a map is nothing", "quota.QuotaConfig", '{"role":"r","limits":{"cpus":null}}', { role: "r" }],
  ["a map's key may be the name of an inherited property", "quota.QuotaConfig", '{"role":"r","limits":{"toString":{"value":1}}}', { role: "r", limits: { toString: { value: 1 } } }],

  ["a message that contains itself", "ContainerID", '{"value":"c","parent":{"value":"p"}}', { value: "c", parent: { value: "p" } }],
  ["a message without fields of its own", "scheduler.Call", '{"type":"REVIVE","revive":{}}', { type: "REVIVE", revive: {} }],
  ["escapes and pairs in a string", "TaskID", '{"value":"\\u0041\\ud83d\\ude00\\n"}', { value: "A😀\n" }],
  ["blanks around the message", "TaskID", ' \r\n\t{ "value" : "t" }\n', { value: "t" }],
];

// biome-ignore format: one case a line.
const refused: readonly Refused[] = [
  ["nothing", "TaskID", "", { code: "JSON_MALFORMED", offset: 0 }],
  ["an unfinished object", "TaskID", '{"value":"t"', { code: "JSON_MALFORMED", offset: 12 }],
  ["trailing garbage", "TaskID", '{"value":"t"} xyz', { code: "JSON_MALFORMED", offset: 14 }],
  ["a list for the message", "TaskID", "[]", { code: "WRONG_TYPE", path: "", found: "list" }],
  ["null for the message", "TaskID", "null", { code: "WRONG_TYPE", path: "", found: "null" }],

  ["a number for a string", "TaskID", '{"value":5}', { code: "WRONG_TYPE", path: "value", found: "number" }],
  ["a long number for a string", "TaskID", '{"value":12345678901234567890}', { code: "WRONG_TYPE", path: "value", found: "number" }],
  ["an object for a string", "TaskID", '{"value":{}}', { code: "WRONG_TYPE", path: "value", found: "object" }],
  ["a list for a single string", "TaskID", '{"value":["t"]}', { code: "WRONG_TYPE", path: "value", found: "list" }],
  ["a list for a single message", "ContainerID", '{"value":"c","parent":[]}', { code: "WRONG_TYPE", path: "parent", found: "list" }],
  ["a list in a list", "Value.Set", '{"item":[["a"]]}', { code: "WRONG_TYPE", path: "item[0]", found: "list" }],
  ["a string for a message", "ContainerID", '{"value":"c","parent":"p"}', { code: "WRONG_TYPE", path: "parent", found: "string" }],
  ["a number for a bool", "CommandInfo", '{"shell":1}', { code: "WRONG_TYPE", path: "shell", found: "number" }],
  ["another string for a bool", "CommandInfo", '{"shell":"yes"}', { code: "WRONG_TYPE", path: "shell", found: "string" }],
  ["a bool for a number", "Address", '{"port":true}', { code: "WRONG_TYPE", path: "port", found: "boolean" }],
  ["a bool for a double", "Filters", '{"refuse_seconds":false}', { code: "WRONG_TYPE", path: "refuse_seconds", found: "boolean" }],
  ["a list for a map", "quota.QuotaConfig", '{"role":"r","limits":[]}', { code: "WRONG_TYPE", path: "limits", found: "list" }],

  ["an enum's number", "Image", '{"type":1}', { code: "WRONG_TYPE", path: "type", found: "number" }],
  ["an unknown name of a required enum", "Image", '{"type":"docker"}', { code: "ENUM_UNKNOWN", path: "type", enumName: "mesos.v1.Image.Type", text: "docker" }],
  ["an enum's inherited property", "Image", '{"type":"toString"}', { code: "ENUM_UNKNOWN" }],

  ["a fraction for an integer", "Address", '{"port":5.5}', { code: "NUMBER_NOT_INTEGER", path: "port", text: "5.5" }],
  ["a fraction in a string for an integer", "Address", '{"port":"5.5"}', { code: "NUMBER_NOT_INTEGER", path: "port", text: "5.5" }],
  ["an integer that a double would round", "TimeInfo", '{"nanoseconds":9007199254740993.0}', { code: "NUMBER_NOT_INTEGER" }],
  ["an exponent beyond the exact doubles", "TimeInfo", '{"nanoseconds":1e19}', { code: "NUMBER_NOT_INTEGER" }],
  ["text for an integer", "Address", '{"port":"http"}', { code: "NUMBER_MALFORMED", path: "port", text: "http" }],
  ["an empty string for an integer", "Address", '{"port":""}', { code: "NUMBER_MALFORMED" }],
  ["blanks around an integer", "Address", '{"port":" 80"}', { code: "NUMBER_MALFORMED" }],
  ["hexadecimal", "Address", '{"port":"0x50"}', { code: "NUMBER_MALFORMED" }],
  ["text for a double", "Filters", '{"refuse_seconds":"NaN"}', { code: "NUMBER_MALFORMED" }],
  ["beyond int32", "Address", '{"port":2147483648}', { code: "NUMBER_OUT_OF_RANGE", type: "int32", text: "2147483648" }],
  ["below int32", "Address", '{"port":-2147483649}', { code: "NUMBER_OUT_OF_RANGE" }],
  ["a negative uint32", "Port", '{"number":-1}', { code: "NUMBER_OUT_OF_RANGE", type: "uint32" }],
  ["beyond uint32", "Port", '{"number":4294967296}', { code: "NUMBER_OUT_OF_RANGE" }],
  ["beyond int64", "TimeInfo", '{"nanoseconds":9223372036854775808}', { code: "NUMBER_OUT_OF_RANGE", type: "int64" }],
  ["a negative uint64", "Value.Range", '{"begin":-1,"end":1}', { code: "NUMBER_OUT_OF_RANGE", path: "begin" }],
  ["beyond uint64", "Value.Range", '{"begin":0,"end":"18446744073709551616"}', { code: "NUMBER_OUT_OF_RANGE", path: "end" }],
  ["a million digits in a string", "Value.Range", `{"begin":0,"end":"${"9".repeat(1_000_000)}"}`, { code: "NUMBER_OUT_OF_RANGE", path: "end" }],
  ["infinity for an integer", "Address", '{"port":Infinity}', { code: "NUMBER_OUT_OF_RANGE" }],
  ["a number that no double holds", "Filters", '{"refuse_seconds":1e999}', { code: "JSON_MALFORMED", offset: 18 }],
  ["such a number in a string", "Filters", '{"refuse_seconds":"1e999"}', { code: "NUMBER_OUT_OF_RANGE", type: "double" }],

  ["a bad character in base64", "TaskStatus", status('"data":"aG-="'), { code: "BASE64_MALFORMED", path: "data", character: "-" }],
  ["base64 cut in a byte", "TaskStatus", status('"data":"aGkaa"'), { code: "BASE64_MALFORMED", character: "" }],
  ["a number for bytes", "TaskStatus", status('"data":1'), { code: "WRONG_TYPE", path: "data" }],

  ["half a pair, escaped", "TaskID", '{"value":"a\\ud83d"}', { code: "TEXT_MALFORMED", path: "value" }],
  ["half a pair, as it is", "TaskID", '{"value":"\ude00"}', { code: "TEXT_MALFORMED", path: "value" }],
  ["half a pair in a map's key", "quota.QuotaConfig", '{"role":"r","limits":{"\\udc00":{"value":1}}}', { code: "TEXT_MALFORMED", path: "limits" }],
  ["the prototype as a map's key", "quota.QuotaConfig", '{"role":"r","limits":{"__proto__":{"value":1}}}', { code: "MAP_KEY_REFUSED", path: "limits" }],

  ["a missing field", "TaskID", "{}", { code: "REQUIRED_MISSING", paths: ["value"] }],
  ["a required field that is null", "TaskID", '{"value":null}', { code: "REQUIRED_MISSING", paths: ["value"] }],
  ["a required field that only a prototype has", "TaskID", '{"__proto__":{"value":"t"}}', { code: "REQUIRED_MISSING", paths: ["value"] }],
  ["missing fields of a map's value", "quota.QuotaConfig", '{"limits":{"cpus":{}}}', { code: "REQUIRED_MISSING", paths: ["role", "limits.cpus.value"] }],
];

describe("decodeJson accepts", () => {
  test.each(accepted)("%s: %s %s", (_rule, name, text, message) => {
    expect(decodeJson(full(name), text)).toStrictEqual({ ok: true, value: message });
  });
});

describe("decodeJson refuses", () => {
  test.each(refused)("%s: %s", (_rule, name, text, facts) => {
    const decoded = decodeJson(full(name), text);
    expect(decoded).toMatchObject({ ok: false, error: facts });
    if (!decoded.ok) expect(describeDecodeError(decoded.error)).toMatch(/^[A-Z].*[^ ]\.$/s);
  });

  test("a missing field by its whole path, with those of its neighbours", () => {
    const task = '{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"}}';
    const launch = `{"task_infos":[${task},${task},{"name":"n","task_id":{},"agent_id":null}]}`;
    const text = `{"type":"ACCEPT","accept":{"operations":[{"type":"LAUNCH","launch":${launch}}]}}`;
    const decoded = decodeJson("mesos.v1.scheduler.Call", text);
    const place = "accept.operations[0].launch.task_infos[2]";
    const paths = [`${place}.agent_id`, `${place}.task_id.value`];
    expect(decoded).toEqual({ ok: false, error: { code: "REQUIRED_MISSING", paths, more: 0 } });
  });

  test("a thousand missing fields with the names of the first", () => {
    const text = `{"offer_ids":[${Array(1_000).fill("{}").join()}]}`;
    const decoded = decodeJson("mesos.v1.scheduler.Call.Decline", text);
    if (decoded.ok || decoded.error.code !== "REQUIRED_MISSING") throw new Error("not refused");
    expect(decoded.error.paths).toHaveLength(MISSING_FIELDS_NAMED);
    expect(decoded.error.more).toBe(1_000 - MISSING_FIELDS_NAMED);
  });

  test("a wrong type rather than a missing field, when a message has both", () => {
    const decoded = decodeJson("mesos.v1.Address", '{"hostname":1}');
    expect(decoded).toMatchObject({ ok: false, error: { code: "WRONG_TYPE", path: "hostname" } });
  });

  test("a long text of the client without repeating all of it", () => {
    const decoded = decodeJson("mesos.v1.Address", `{"port":"${"x".repeat(10_000)}"}`);
    if (decoded.ok) throw new Error("not refused");
    expect(describeDecodeError(decoded.error).length).toBeLessThan(200);
  });
});

describe("decodeJson within limits", () => {
  const within = (text: string) =>
    decodeJsonWithin("mesos.v1.TaskID", text, { length: 200, depth: 3, values: 8 });

  test("takes a text that is just long, deep and full enough", () => {
    expect(within(`{"value":"t"}${" ".repeat(187)}`).ok).toBe(true);
    expect(within('{"value":"t","x":[[]]}').ok).toBe(true);
    expect(within('{"value":"t","x":[1,2,3,4,5,6]}').ok).toBe(true);
  });

  test("refuses one character, level or value more", () => {
    const refusal = (error: DecodeError) => ({ ok: false, error });
    expect(within(`{"value":"t"}${" ".repeat(188)}`)).toEqual(
      refusal({ code: "JSON_TOO_LONG", length: 201, limit: 200 }),
    );
    expect(within('{"value":"t","x":[[[')).toEqual(
      refusal({ code: "JSON_TOO_DEEP", offset: 19, limit: 3 }),
    );
    expect(within('{"value":"t","x":[1,2,3,4,5,6,7')).toEqual(
      refusal({ code: "JSON_TOO_MANY_VALUES", offset: 29, limit: 8 }),
    );
  });

  test("does not count what is in strings", () => {
    expect(within('{"value":"[[[[[\\",,,,,,,,,,,,\\\\"}').ok).toBe(true);
  });

  test("a message nested as deep as the limit is refused, not overflowing the stack", () => {
    const depth = 1_000_000;
    const text = '{"value":"c","parent":'.repeat(depth);
    const decoded = decodeJsonWithin("mesos.v1.ContainerID", text, {
      ...REQUEST_JSON,
      length: text.length,
    });
    expect(decoded).toMatchObject({ ok: false, error: { code: "JSON_TOO_DEEP" } });
  });
});

describe("decodeJsonValue", () => {
  test("takes 64-bit integers as bigints and leaves Object.prototype alone", () => {
    const value: unknown = JSON.parse('{"__proto__":{"polluted":1},"seconds":1}');
    const decoded = decodeJsonValue("google.protobuf.Duration", value);
    expect(decoded).toStrictEqual({ ok: true, value: { seconds: 1n } });
    expect(decodeJsonValue("google.protobuf.Duration", { seconds: 2n ** 62n })).toStrictEqual({
      ok: true,
      value: { seconds: 2n ** 62n },
    });
    expect("polluted" in {}).toBe(false);
  });
});
