import { describe, expect, test } from "vitest";
import { ANSWER_JSON } from "../../worker/protocol/limits.ts";
import { decodeJsonWithin, encodeJson } from "../../worker/protocol/wire/json.ts";
import { AssertionError } from "../../worker/std/assert.ts";

/** How Mesos writes a double. */
const doubles: readonly (readonly [value: number, text: string])[] = [
  [0, "0.0"],
  [-0, "-0.0"],
  [4, "4.0"],
  [-4096, "-4096.0"],
  [0.1, "0.1"],
  [1795225975.007735, "1795225975.007735"],
  [0.000001, "0.000001"],
  [0.0000001, "1e-7"],
  [123456789012345680000, "123456789012345680000.0"],
  [1e21, "1e21"],
  [1.5e300, "1.5e300"],
  [Number.MAX_VALUE, "1.7976931348623157e308"],
  [Infinity, "Infinity"],
  [-Infinity, "-Infinity"],
];

test.each(doubles)("the double %d is written as %s", (value, text) => {
  expect(encodeJson("mesos.v1.Value.Scalar", { value })).toBe(`{"value":${text}}`);
});

describe("encodeJson", () => {
  test("writes explicit defaults of unset fields, but neither deprecated nor required ones", () => {
    expect(encodeJson("mesos.v1.FrameworkInfo", { user: "u", name: "n" })).toBe(
      '{"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false}',
    );
    expect(encodeJson("mesos.v1.Filters", {})).toBe('{"refuse_seconds":5.0}');
    expect(encodeJson("mesos.v1.HealthCheck.TCPCheckInfo", { port: 80 })).toBe(
      '{"protocol":"IPv4","port":80}',
    );
  });

  test("writes a set field instead of its default", () => {
    expect(encodeJson("mesos.v1.Filters", { refuse_seconds: 0 })).toBe('{"refuse_seconds":0.0}');
  });

  test("leaves out empty lists and maps, and writes empty messages, texts and bytes", () => {
    expect(encodeJson("mesos.v1.Value.Set", { item: [] })).toBe("{}");
    expect(encodeJson("mesos.v1.quota.QuotaConfig", { role: "", limits: {} })).toBe('{"role":""}');
    expect(encodeJson("mesos.v1.scheduler.Event.Offers", {})).toBe("{}");
    const message = { type: "GET_STATE", get_state: {} } as const;
    expect(encodeJson("mesos.v1.master.Response", message)).toBe(
      '{"type":"GET_STATE","get_state":{}}',
    );
  });

  test("writes the lists of an operator's answer even when they are empty", () => {
    expect(encodeJson("mesos.v1.master.Response.GetTasks", {})).toBe(
      '{"tasks":[],"unreachable_tasks":[],"completed_tasks":[]}',
    );
    const task = { framework_id: { value: "f" }, task_id: { value: "t" }, name: "n" } as const;
    const running = { ...task, agent_id: { value: "a" }, state: "TASK_RUNNING" } as const;
    const text = encodeJson("mesos.v1.master.Response.GetTasks", { tasks: [running] });
    expect(text).toMatch(
      /^\{"tasks":\[\{.*\}\],"unreachable_tasks":\[\],"completed_tasks":\[\]\}$/,
    );
  });

  test("writes fields in the order of their declaration, whatever the message's own order", () => {
    const status = {
      agent_id: { value: "a" },
      state: "TASK_LOST",
      task_id: { value: "t" },
    } as const;
    expect(encodeJson("mesos.v1.TaskStatus", { ...status, source: "SOURCE_MASTER" })).toBe(
      '{"task_id":{"value":"t"},"state":"TASK_LOST","source":"SOURCE_MASTER","agent_id":{"value":"a"}}',
    );
  });

  test("writes every digit of 64-bit integers, as numbers", () => {
    expect(encodeJson("mesos.v1.Value.Range", { begin: 0n, end: 2n ** 64n - 1n })).toBe(
      '{"begin":0,"end":18446744073709551615}',
    );
    expect(encodeJson("mesos.v1.TimeInfo", { nanoseconds: -(2n ** 63n) })).toBe(
      '{"nanoseconds":-9223372036854775808}',
    );
  });

  test("writes bytes as base64 and maps as objects", () => {
    const uuid = Uint8Array.from([251, 255, 0, 62]);
    expect(encodeJson("rimrock.link.ReportResponse", {})).toBe("{}");
    expect(
      encodeJson("mesos.v1.scheduler.Event.Message", {
        agent_id: { value: "a" },
        executor_id: { value: "e" },
        data: uuid,
      }),
    ).toBe('{"agent_id":{"value":"a"},"executor_id":{"value":"e"},"data":"+/8APg=="}');
    expect(
      encodeJson("mesos.v1.quota.QuotaConfig", { role: "r", limits: { 'a"b': { value: 1 } } }),
    ).toBe('{"role":"r","limits":{"a\\"b":{"value":1.0}}}');
  });

  test("writes no line break, for clients that read lines", () => {
    expect(encodeJson("mesos.v1.TaskID", { value: "a\nb\r\u2028" })).not.toMatch(/[\n\r]/);
  });

  test("replaces half a surrogate pair, which its reader would refuse", () => {
    expect(encodeJson("mesos.v1.TaskID", { value: "a\ud83d|\ude00|😀|\\ud83d" })).toBe(
      '{"value":"a\ufffd|\ufffd|😀|\\\\ud83d"}',
    );
  });

  test("writes what only ANSWER_JSON is large enough to read back", () => {
    const item = Array.from({ length: 600_000 }, (_, index) => String(index));
    const text = encodeJson("mesos.v1.Value.Set", { item });
    expect(decodeJsonWithin("mesos.v1.Value.Set", text, ANSWER_JSON)).toEqual({
      ok: true,
      value: { item },
    });
  });
});

describe("encodeJson asserts", () => {
  test("that required fields are set, and names the one that is not", () => {
    const task = JSON.parse('{"name":"n","task_id":{}}');
    expect(() => encodeJson("mesos.v1.TaskInfo", task)).toThrow("mesos.v1.TaskID.value is set");
  });

  const wrong: readonly (readonly [fact: string, port: unknown])[] = [
    ["an integer in its range", 2 ** 31],
    ["an integer in its range", 1.5],
    ["an integer in its range", Number.NaN],
    ["an integer in its range", 80n],
    ["an integer in its range", "80"],
  ];
  test.each(wrong)("that an int32 is %s: %s", (fact, port) => {
    // A value that the type does not allow is the point.
    const address = { port } as unknown as { port: number };
    expect(() => encodeJson("mesos.v1.Address", address)).toThrow(AssertionError);
    expect(() => encodeJson("mesos.v1.Address", address)).toThrow(fact);
  });

  test("that an int64 is a bigint in range, an enum one of its names, a double no NaN", () => {
    const thrown = (work: () => string) => expect(work).toThrow(AssertionError);
    thrown(() => encodeJson("mesos.v1.TimeInfo", { nanoseconds: 2n ** 63n }));
    thrown(() => encodeJson("mesos.v1.TimeInfo", { nanoseconds: -(2n ** 63n) - 1n }));
    thrown(() => encodeJson("mesos.v1.Value.Range", { begin: -1n, end: 0n }));
    thrown(() => encodeJson("mesos.v1.TimeInfo", JSON.parse('{"nanoseconds":1}')));
    thrown(() => encodeJson("mesos.v1.Image", JSON.parse('{"type":"toString"}')));
    thrown(() => encodeJson("mesos.v1.Filters", { refuse_seconds: Number.NaN }));
  });
});
