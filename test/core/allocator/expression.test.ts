/** Expressions that frameworks send: RE2's syntax, whole texts, bounded work. */
import { expect, test } from "vitest";
import { compileExpression } from "../../../worker/core/allocator/expression.ts";

function matches(expression: string, text: string): boolean {
  const compiled = compileExpression(expression);
  if (!compiled.ok) throw new Error(`${expression}: ${compiled.error.code}`);
  return compiled.value(text);
}

function refusal(expression: string): string | undefined {
  const compiled = compileExpression(expression);
  return compiled.ok ? undefined : compiled.error.code;
}

test("an expression has to match the whole text, not a part of it", () => {
  expect(matches("rack", "rack")).toBe(true);
  expect(matches("rack", "rack-1")).toBe(false);
  expect(matches("a|ab", "ab")).toBe(true);
  expect(matches("", "")).toBe(true);
  expect(matches("", "a")).toBe(false);
});

test("the syntax is RE2's", () => {
  expect(matches("(?i)RACK-[[:digit:]]{1,3}", "rack-17")).toBe(true);
  expect(matches("\\Qa.b\\E", "a.b")).toBe(true);
  expect(matches("\\Qa.b\\E", "axb")).toBe(false);
  expect(matches("\\p{Greek}+", "αβγ")).toBe(true);
  expect(matches(".*", "one\ntwo")).toBe(false);
  expect(matches("(?s).*", "one\ntwo")).toBe(true);
  expect(matches("(?P<name>a)+", "aa")).toBe(true);
  expect(matches("a{,5}", "a{,5}")).toBe(true);
});

test("what RE2 does not know is malformed: look-around, back references, open brackets", () => {
  for (const expression of ["(", "[a", "(?=a)", "(?<!a)", "(a)\\1", "a**", "\\", "a{1001}"]) {
    expect(refusal(expression), expression).toBe("EXPRESSION_MALFORMED");
  }
});

test("a program of 100 instructions is taken, a longer one refused", () => {
  expect(refusal("a".repeat(98))).toBeUndefined();
  expect(refusal("a".repeat(99))).toBe("EXPRESSION_TOO_LARGE");
  expect(refusal("(ab){48}")).toBe("EXPRESSION_TOO_LARGE");
  expect(refusal("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")).toBeUndefined();
});

test("a text of 4096 bytes is taken, a longer one refused", () => {
  const ofBytes = (bytes: number): string => `[${"a".repeat(bytes - 2)}]`;
  expect(refusal(ofBytes(4_096))).toBeUndefined();
  expect(refusal(ofBytes(4_097))).toBe("EXPRESSION_TOO_LONG");
  expect(refusal(`[${"ä".repeat(2_048)}]`)).toBe("EXPRESSION_TOO_LONG");
});

test("what is short to send and long to compile is refused before it is compiled", () => {
  const hostile = [
    "x{1000}".repeat(580),
    "((x{100}){10})".repeat(290),
    "(?:(?:(?:xxxxxxxxxx){10}){10}){10}",
    `(?:${"()".repeat(1_900)}){1000}`,
    "[]x]{1000}".repeat(400),
    "\\Q)\\E(a{1000}){1}".repeat(200),
    "\\pL{1000}".repeat(400),
    `${"(".repeat(2_000)}${")".repeat(2_000)}`,
  ];
  for (const expression of hostile) {
    const beganMs = performance.now();
    expect(refusal(expression), expression.slice(0, 40)).toBeDefined();
    expect(performance.now() - beganMs, expression.slice(0, 40)).toBeLessThan(100);
  }
});

test("a quotation, a class or a code in braces is not taken for a repetition", () => {
  expect(matches("\\Q{900}\\E{2}", "{900}}")).toBe(true);
  expect(matches("[{900}]{9}", "{900}{900")).toBe(true);
  expect(matches("\\x{0410}".repeat(8), "А".repeat(8))).toBe(true);
});

test("expressions that take exponential time elsewhere are answered in linear time", () => {
  const text = `${"a".repeat(50_000)}!`;
  for (const expression of ["(a*)*b", "(?:a|aa)*b", "(?:a?){30}a{30}", "(.*)(.*)(.*)(.*)b"]) {
    const beganMs = performance.now();
    expect(matches(expression, text), expression).toBe(false);
    expect(performance.now() - beganMs, expression).toBeLessThan(1_000);
  }
});
