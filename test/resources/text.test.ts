import { describe, expect, test } from "vitest";
import {
  describeTextError,
  formatResources,
  parseAttributesText,
  parseResourcesText,
} from "../../worker/resources/text.ts";

describe("the text of resources", () => {
  test.each([
    ["", "nothing"],
    [" ; ", "nothing"],
    [
      "cpus:4;mem:1024;ports:[31000-32000,40000-40010];zones:{a,b}",
      "cpus:4; mem:1024; ports:[31000-32000, 40000-40010]; zones:{a, b}",
    ],
    [" cpus : 4 ; ports : [ 1 - 2 , 5 - 6 ] ", "cpus:4; ports:[1-2, 5-6]"],
    ["cpus:1;cpus(web):2;cpus(*):3", "cpus:4; cpus(web):2"],
    ["cpus(web/api):0.5", "cpus(web/api):0.5"],
    ["cpus:1e2;mem:.5", "cpus:100; mem:0.5"],
    ["ports:[];zones:{}", "nothing"],
  ])("%j is %s", (text, resources) => {
    const parsed = parseResourcesText(text);
    expect(parsed.ok ? formatResources(parsed.value) : describeTextError(parsed.error)).toBe(
      resources,
    );
  });

  test.each([
    ["cpus:1;cpus(*):2;mem(api):3", "cpus:2; cpus(web):1; mem(api):3"],
    [
      '[{"name":"cpus","type":"SCALAR","scalar":{"value":1}},' +
        '{"name":"mem","type":"SCALAR","scalar":{"value":1},"role":"*"}]',
      "cpus(web):1; mem:1",
    ],
  ])("%s: what names no role is of the default one, and only that", (text, resources) => {
    const parsed = parseResourcesText(text, { defaultRole: "web" });
    expect(parsed.ok && formatResources(parsed.value)).toBe(resources);
  });

  test("what is formatted can be read again", () => {
    const text = "cpus:0.3; cpus(web):2; ports:[1-2, 5-5]; zones:{a, b}";
    const parsed = parseResourcesText(text);
    expect(parsed.ok && formatResources(parsed.value)).toBe(text);
  });

  test("a role in parentheses is a static reservation", () => {
    expect(parseResourcesText("cpus(web):1")).toEqual({
      ok: true,
      value: [
        {
          name: "cpus",
          reservations: [{ type: "STATIC", role: "web" }],
          kind: "SCALAR",
          thousandths: 1_000,
        },
      ],
    });
  });

  test.each([
    ["cpus", "COLON_MISSING", "'cpus' has no ':'"],
    ["mem:1;cpus=4", "COLON_MISSING", "'cpus=4'"],
    [":4", "NAME_MALFORMED", "':4'"],
    ["cpus(web:4", "NAME_MALFORMED", "'cpus(web:4'"],
    ["(web):4", "NAME_MALFORMED", "'(web):4'"],
    ["cpus:", "VALUE_MALFORMED", "'cpus:'"],
    ["cpus:four", "VALUE_MALFORMED", "'cpus:four'"],
    ["cpus:0x10", "VALUE_MALFORMED", "'cpus:0x10'"],
    ["cpus:Infinity", "VALUE_MALFORMED", "'cpus:Infinity'"],
    ["ports:[1-2", "RANGES_MALFORMED", "'ports:[1-2'"],
    ["ports:[1]", "RANGES_MALFORMED", "'ports:[1]'"],
    ["ports:[1-2,]", "RANGES_MALFORMED", "'ports:[1-2,]'"],
    ["ports:[-1-2]", "RANGES_MALFORMED", "'ports:[-1-2]'"],
    ["zones:{a", "SET_MALFORMED", "'zones:{a'"],
    ["zones:{a,,b}", "SET_MALFORMED", "'zones:{a,,b}'"],
    ["cpus:1;mem:-1", "RESOURCE_INVALID", "'mem' (number 2 of the list) has the value -1"],
    ["cpus:1e999", "RESOURCE_INVALID", "Infinity"],
    ["ports:[3-2]", "RESOURCE_INVALID", "[3-2]"],
    ["ports:[1-3,3-5]", "RESOURCE_INVALID", "overlap at 3"],
    ["zones:{a,a}", "RESOURCE_INVALID", "'a' twice"],
    ["cpus(a//b):1", "RESOURCE_INVALID", "'a//b'"],
    ["cpus():1", "RESOURCE_INVALID", "''"],
  ])("%j is %s", (text, code, naming) => {
    const parsed = parseResourcesText(text);
    expect(parsed).toMatchObject({ ok: false, error: { code } });
    expect(parsed.ok || describeTextError(parsed.error)).toContain(naming);
  });

  test("may be a JSON list", () => {
    const text = `[
      {"name": "cpus", "type": "SCALAR", "scalar": {"value": 8}, "role": "web"},
      {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 9}]}}
    ]`;
    const parsed = parseResourcesText(text);
    expect(parsed.ok && formatResources(parsed.value)).toBe("cpus(web):8; ports:[1-9]");
  });

  test.each([
    ["[{]", "character 2"],
    ["[1]", "resources[0]"],
    ['[{"name": "cpus"}]', "type"],
    ['[{"name": "cpus", "type": "SCALAR", "scalar": {"value": "x"}}]', "resources[0].scalar.value"],
  ])("the JSON list %s is refused with the place named", (text, place) => {
    const parsed = parseResourcesText(text);
    expect(parsed).toMatchObject({ ok: false, error: { code: "JSON_INVALID" } });
    expect(parsed.ok || describeTextError(parsed.error)).toContain(place);
  });
});

describe("the text of attributes", () => {
  test("numbers, ranges and text are told apart", () => {
    expect(parseAttributesText("rack:r1;level:10;ports:[1-2,5-6];version:1.2.3;url:a:b")).toEqual({
      ok: true,
      value: [
        { name: "rack", type: "TEXT", text: { value: "r1" } },
        { name: "level", type: "SCALAR", scalar: { value: 10 } },
        {
          name: "ports",
          type: "RANGES",
          ranges: {
            range: [
              { begin: 1n, end: 2n },
              { begin: 5n, end: 6n },
            ],
          },
        },
        { name: "version", type: "TEXT", text: { value: "1.2.3" } },
        { name: "url", type: "TEXT", text: { value: "a:b" } },
      ],
    });
    expect(parseAttributesText("")).toEqual({ ok: true, value: [] });
  });

  test.each([
    ["rack", "COLON_MISSING", "'rack'"],
    ["a:1;rack:", "ATTRIBUTE_EMPTY", "'rack:'"],
    [":r1", "NAME_MALFORMED", "':r1'"],
    ["zones:{a,b}", "ATTRIBUTE_IS_SET", "'zones:{a,b}'"],
    ["ports:[1-", "RANGES_MALFORMED", "'ports:[1-'"],
    ["ports:[2-1]", "ATTRIBUTE_INVALID", "attribute 'ports' has the range [2-1]"],
  ])("%j is %s", (text, code, naming) => {
    const parsed = parseAttributesText(text);
    expect(parsed).toMatchObject({ ok: false, error: { code } });
    expect(parsed.ok || describeTextError(parsed.error)).toContain(naming);
  });
});
