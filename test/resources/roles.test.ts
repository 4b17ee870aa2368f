import { describe, expect, test } from "vitest";
import { checkContainerId, checkIdentifier } from "../../worker/protocol/identifiers.ts";
import { ancestorsOf, checkRole, isStrictlyBelow, mayUse } from "../../worker/resources/roles.ts";

describe("roles", () => {
  test.each(["*", "web", "eng/web", "a.b", "a-b", "a*", "...", "ünï", "r".repeat(1_024)])(
    "%s is a valid name",
    (role) => {
      expect(checkRole(role)).toBeUndefined();
    },
  );

  test.each([
    ["", "empty"],
    ["/a", "begin with '/'"],
    ["a/", "end with '/'"],
    ["/", "begin with '/'"],
    ["a//b", "'//'"],
    [".", "'.'"],
    ["a/..", "'..'"],
    ["a/*", "'*'"],
    ["*/a", "'*'"],
    ["-a", "'-'"],
    ["a/-b", "'-'"],
    ["a b", "white space"],
    ["a\tb", "white space"],
    ["a\x7f", "DEL"],
    ["ü".repeat(513), "1024 bytes"],
  ])("%j is refused", (role, problem) => {
    expect(checkRole(role)).toContain(problem);
  });

  test("ancestors come nearest first", () => {
    expect(ancestorsOf("a/b/c")).toEqual(["a/b", "a"]);
    expect(ancestorsOf("a")).toEqual([]);
  });

  test("a role is below its ancestors only", () => {
    expect(isStrictlyBelow("a/b/c", "a")).toBe(true);
    expect(isStrictlyBelow("a", "a")).toBe(false);
    expect(isStrictlyBelow("ab", "a")).toBe(false);
    expect(isStrictlyBelow("a", "a/b")).toBe(false);
    expect(mayUse("a", "a")).toBe(true);
    expect(mayUse("a", "a/b")).toBe(false);
  });
});

describe("identifiers", () => {
  test.each(["a", "task-1.2", "...", "a b", "ü", "i".repeat(255)])("%j is valid", (id) => {
    expect(checkIdentifier(id)).toBeUndefined();
  });

  test.each([
    ["", "empty"],
    [".", "'.'"],
    ["..", "'..'"],
    ["a/b", "'/'"],
    ["a\\b", "'\\'"],
    ["a\nb", "control"],
    ["a\x7f", "control"],
    ["i".repeat(256), "255 bytes"],
    ["ü".repeat(128), "255 bytes"],
  ])("%j is refused", (id, problem) => {
    expect(checkIdentifier(id)).toContain(problem);
  });

  test("container ids have neither dots nor spaces and are shorter", () => {
    expect(checkContainerId("i".repeat(242))).toBeUndefined();
    expect(checkContainerId("i".repeat(243))).toContain("242 bytes");
    expect(checkContainerId("a.b")).toContain("'.'");
    expect(checkContainerId("a b")).toContain("space");
    expect(checkContainerId("a/b")).toContain("'/'");
  });
});
