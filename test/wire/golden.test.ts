import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type MessageName, messageRows } from "../../worker/protocol/descriptors.ts";
import { decodeJson, describeDecodeError, encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeRecord, RecordDecoder } from "../../worker/protocol/wire/record-io.ts";
import { decodeUtf8, encodeUtf8 } from "../../worker/protocol/wire/utf8.ts";

const folder = new URL("golden/", import.meta.url);

function rows(file: string): readonly (readonly string[])[] {
  const text = readFileSync(new URL(file, folder), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
}

function isMessageName(name: string): name is MessageName {
  return name in messageRows;
}

function messageName(name: string | undefined): MessageName {
  if (name === undefined || !isMessageName(name)) throw new Error(`no such message: ${name}`);
  return name;
}

/** The text that the codec makes of `text`; a sentence when it cannot be decoded. */
function reencoded(name: MessageName, text: string): string {
  const decoded = decodeJson(name, text);
  return decoded.ok ? encodeJson(name, decoded.value) : describeDecodeError(decoded.error);
}

/**
 * A recorded text as we mean to write it. A double may have another last digit than Mesos prints,
 * as long as it is the same double and written as one; AgentInfo.checkpoint is not in the published
 * protocol.
 */
function comparable(text: string): string {
  return text
    .replaceAll(/(?<=[:[,])-?\d+\.\d+/g, (double) => `double(${Number(double)})`)
    .replaceAll(',"checkpoint":true},"active"', '},"active"');
}

/**
 * Calls without unknown names, empty lists or maps, and lone values for lists, of which something
 * is dropped.
 */
const completeCalls = rows("calls.tsv").filter(
  ([, body = ""]) => !/NO_SUCH|FOO|"subscribe"}|xyz|"roles": "|"limits": {}|\[\]/.test(body),
);

describe("recorded calls", () => {
  test.each(rows("calls.tsv"))("a %s that Mesos decoded is decoded: %s", (name, body = "") => {
    const decoded = decodeJson(messageName(name), body);
    expect(decoded.ok ? "" : describeDecodeError(decoded.error)).toBe("");
  });

  test.each(completeCalls)("a %s keeps every value it was sent with: %s", (name, body = "") => {
    expect(JSON.parse(reencoded(messageName(name), body))).toMatchObject(JSON.parse(body));
  });

  test.each(rows("refused-calls.tsv"))("a %s that Mesos refused is refused: %s", (...row) => {
    const [name, answer = "", body = ""] = row;
    const decoded = decodeJson(messageName(name), body);
    if (decoded.ok) throw new Error("it was decoded");
    const missing = /Missing required fields: (.*)$/.exec(answer)?.[1];
    if (missing === undefined) {
      expect(decoded.error.code).not.toBe("REQUIRED_MISSING");
    } else {
      expect(decoded.error).toEqual({
        code: "REQUIRED_MISSING",
        paths: missing.split(", "),
        more: 0,
      });
    }
  });
});

describe("recorded answers and events", () => {
  test.each(rows("answers.tsv"))("a %s is written as Mesos writes it: %s", (name, text = "") => {
    expect(comparable(reencoded(messageName(name), text))).toBe(comparable(text));
  });

  test("the events of a scheduler's stream come out of its bytes, and the bytes out of the events", () => {
    const bytes = new Uint8Array(readFileSync(new URL("subscribe-stream.recordio", folder)));
    const { records, error } = new RecordDecoder(1_000).push(bytes);
    expect(error).toBeUndefined();
    const types: unknown[] = [];
    const written: number[] = [];
    for (const record of records) {
      const text = decodeUtf8(record) ?? "not UTF-8";
      const decoded = decodeJson("mesos.v1.scheduler.Event", text);
      if (!decoded.ok) throw new Error(describeDecodeError(decoded.error));
      types.push(decoded.value.type);
      const again = encodeJson("mesos.v1.scheduler.Event", decoded.value);
      written.push(...encodeRecord(encodeUtf8(again)));
    }
    expect(types).toEqual(["SUBSCRIBED", "HEARTBEAT", "OFFERS", "OFFERS", "UPDATE"]);
    expect(Uint8Array.from(written)).toEqual(bytes);
  });
});
