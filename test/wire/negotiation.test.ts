import { describe, expect, test } from "vitest";
import { masterTypes } from "../../worker/http/served-types.ts";
import {
  answerType,
  contentType,
  describeNegotiationError,
} from "../../worker/protocol/negotiation.ts";

const JSON_TYPE = "application/json";
const PROTOBUF = "application/x-protobuf";

describe("the Content-Type of a body", () => {
  test.each([JSON_TYPE, PROTOBUF])("may be %s", (header) => {
    expect(contentType(header, masterTypes)).toEqual({ ok: true, value: header });
  });

  test.each([
    "text/plain",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "application/recordio",
    "",
  ])("is compared exactly, so it may not be '%s'", (header) => {
    expect(contentType(header, masterTypes)).toMatchObject({
      ok: false,
      error: { code: "CONTENT_TYPE_NOT_SUPPORTED", contentType: header },
    });
  });

  test.each([null, undefined])("has to be there, not %s", (header) => {
    expect(contentType(header, masterTypes)).toMatchObject({
      ok: false,
      error: { code: "CONTENT_TYPE_MISSING" },
    });
  });
});

describe("Accept", () => {
  const answered: readonly (readonly [header: string | null, type: string])[] = [
    [null, JSON_TYPE],
    ["", JSON_TYPE],
    ["*/*", JSON_TYPE],
    ["application/*", JSON_TYPE],
    [JSON_TYPE, JSON_TYPE],
    ["Application/JSON", JSON_TYPE],
    ["application/json, application/json", JSON_TYPE],
    ["text/html, application/xhtml+xml, */*;q=0.8", JSON_TYPE],
    [" text/html ,application/json ; q=0.1", JSON_TYPE],
    [PROTOBUF, PROTOBUF],
    ["application/x-protobuf, application/x-protobuf", PROTOBUF],
    ["application/x-protobuf, application/json;q=0.1", JSON_TYPE],
    ["application/json;q=0, */*", PROTOBUF],
    ["application/json;q=0.000,application/*", PROTOBUF],
    ["application/*;q=0, application/json", JSON_TYPE],
    ["application/json;q=0.001", JSON_TYPE],
    ["application/json;q=", JSON_TYPE],
    ["application/json;charset=utf-8", JSON_TYPE],
  ];
  test.each(answered)("%j is answered with %s", (header, type) => {
    expect(answerType(header, masterTypes)).toEqual({ ok: true, value: type });
  });

  test.each([
    "text/html",
    "*/*;q=0",
    "application/json;q=0",
    "application/recordio",
    "json",
    "text/*",
  ])("%j leaves nothing to answer with", (header) => {
    expect(answerType(header, masterTypes)).toMatchObject({
      ok: false,
      error: { code: "NOTHING_ACCEPTABLE", accept: header },
    });
  });

  test("of an agent's client may ask for recordio", () => {
    const types = [...masterTypes, "application/recordio"] as const;
    expect(answerType("application/recordio", types)).toMatchObject({
      value: "application/recordio",
    });
  });
});

test("each refusal says which types would do", () => {
  const refusals = [
    contentType(null, masterTypes),
    contentType("text/plain", masterTypes),
    answerType("text/html", masterTypes),
  ];
  for (const refusal of refusals) {
    if (refusal.ok) throw new Error("not refused");
    expect(describeNegotiationError(refusal.error)).toContain(
      "application/json or application/x-protobuf",
    );
  }
});
