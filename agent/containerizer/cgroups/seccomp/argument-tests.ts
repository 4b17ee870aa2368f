/** Tests of a system call's arguments, 64 bits each, on a machine that compares 32. Pure. */
import { assert, unreachable } from "../../../../worker/std/assert.ts";
import { and, CODES, type Instruction, load } from "./instructions.ts";
import type { ArgumentTest } from "./profile.ts";

const ARGUMENTS_AT = 16;
const ARGUMENT_BYTES = 8;
const HALF_MASK = 0xffffffffn;

/** Runs `then` where all of them hold; otherwise goes on behind it. */
export function testArguments(
  tests: readonly ArgumentTest[],
  then: readonly Instruction[],
): readonly Instruction[] {
  let program = then;
  for (const test of tests.toReversed()) {
    program = [...testArgument(test, program.length), ...program];
  }
  return program;
}

/** Where a step leads: on to the next one, to what the test guards, or past that. */
type Way = "NEXT" | "HOLDS" | "FAILS";

interface Step {
  readonly code: number;
  readonly value: number;
  readonly whenTrue: Way;
  readonly whenFalse: Way;
}

/** Falls through where it holds; otherwise skips `behind` instructions more. */
function testArgument(test: ArgumentTest, behind: number): readonly Instruction[] {
  const { index, value, valueTwo, operator } = test;
  const at = ARGUMENTS_AT + index * ARGUMENT_BYTES;
  const isMasked = operator === "MASKED_EQ";
  const wanted = isMasked ? valueTwo & value : value;
  const ways = stepsOf(operator);
  const half = (offset: number, part: (of: bigint) => number, steps: Steps) => [
    load(offset),
    ...(isMasked ? [and(part(value))] : []),
    ...steps.map((step): Step => ({ ...step, value: part(wanted) })),
  ];
  const steps = [...half(at + 4, upper, ways.high), ...half(at, lower, ways.low)];
  return steps.map((step, position) => {
    if (!isStep(step)) return step;
    const left = steps.length - position - 1;
    const distance = (way: Way): number =>
      way === "NEXT" ? 0 : way === "HOLDS" ? left : left + behind;
    const [whenTrue, whenFalse] = [distance(step.whenTrue), distance(step.whenFalse)];
    assert(whenTrue <= 255 && whenFalse <= 255, "six tests are within a jump's reach");
    return { code: step.code, value: step.value, whenTrue, whenFalse };
  });
}

function isStep(step: Step | Instruction): step is Step {
  return typeof step.whenTrue === "string";
}

type Steps = readonly Omit<Step, "value">[];

/** What is asked of the upper half, then of the lower one where the upper did not decide. */
function stepsOf(operator: ArgumentTest["operator"]): {
  readonly high: Steps;
  readonly low: Steps;
} {
  const { IF_EQUAL, IF_ABOVE, IF_AT_LEAST } = CODES;
  const equalOr = (whenFalse: Way): Steps => [{ code: IF_EQUAL, whenTrue: "NEXT", whenFalse }];
  const above = (whenTrue: Way, whenFalse: Way): Steps => [
    { code: IF_ABOVE, whenTrue, whenFalse: "NEXT" },
    ...equalOr(whenFalse),
  ];
  const last = (code: number, whenTrue: Way, whenFalse: Way): Steps => [
    { code, whenTrue, whenFalse },
  ];
  switch (operator) {
    case "EQ":
    case "MASKED_EQ":
      return { high: equalOr("FAILS"), low: last(IF_EQUAL, "HOLDS", "FAILS") };
    case "NE":
      return { high: equalOr("HOLDS"), low: last(IF_EQUAL, "FAILS", "HOLDS") };
    case "GT":
      return { high: above("HOLDS", "FAILS"), low: last(IF_ABOVE, "HOLDS", "FAILS") };
    case "GE":
      return { high: above("HOLDS", "FAILS"), low: last(IF_AT_LEAST, "HOLDS", "FAILS") };
    case "LT":
      return { high: above("FAILS", "HOLDS"), low: last(IF_AT_LEAST, "FAILS", "HOLDS") };
    case "LE":
      return { high: above("FAILS", "HOLDS"), low: last(IF_ABOVE, "FAILS", "HOLDS") };
    default:
      return unreachable(operator);
  }
}

function upper(value: bigint): number {
  return Number(value >> 32n);
}

function lower(value: bigint): number {
  return Number(value & HALF_MASK);
}
