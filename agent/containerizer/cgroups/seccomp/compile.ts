/**
 * From a profile to the program that the kernel runs at every system call.
 *
 * 1. Of the rules that match a call, the first in the file decides; without one the default action
 * does.
 * 2. A call of another processor's kind (32-bit programs, x32) ends the process: its numbers mean
 * other things, so that no rule speaks of it.
 * 3. Tests of one rule hold together, but two of the same argument are alternatives, as in Docker.
 * 4. A name that no Linux knows is left out where its rule would allow more than the default, and
 * an error where it would allow less: nothing counts as forbidden that is not.
 *
 * Pure.
 */
import { defined } from "../../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type { CapabilityName } from "../../containerizer.ts";
import { testArguments } from "./argument-tests.ts";
import {
  branch,
  CODES,
  giveBack,
  INSTRUCTIONS_MAX,
  type Instruction,
  load,
} from "./instructions.ts";
import type { Action, Circumstances, Profile, SystemCallRule } from "./profile.ts";
import { type Architecture, isSystemCall, systemCalls } from "./system-calls.ts";

export interface FilterFacts {
  readonly architecture: Architecture;
  /** What the container's processes can ever have. */
  readonly capabilities: readonly CapabilityName[];
  readonly kernel: readonly [major: number, minor: number];
}

export interface Filter {
  readonly instructions: readonly Instruction[];
  /** Names in its rules that no Linux has, left out. */
  readonly unknownNames: readonly string[];
}

/** AUDIT_ARCH_… of linux/audit.h. */
const AUDIT_ARCHITECTURE = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const DOCKER_ARCHITECTURE = { x64: "amd64", arm64: "arm64" } as const;
/** Where the numbers of x32 begin, and the one that stands for no call at all. */
const X32 = 0x40000000;
const NO_CALL = 0xffffffff;
/** Offsets in `struct seccomp_data`. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;

/** SECCOMP_RET_…; the order of the keys is the kernel's, from the strictest. */
const VERDICTS: { readonly [K in Action["kind"]]: number } = {
  KILL_PROCESS: 0x80000000,
  KILL_THREAD: 0,
  TRAP: 0x00030000,
  ERRNO: 0x00050000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
};
const STRICTEST_FIRST = Object.keys(VERDICTS);
const KILL = giveBack(VERDICTS.KILL_PROCESS);

/** The error is a clause that says what to change in the profile. */
export function compileProfile(profile: Profile, facts: FilterFacts): Result<Filter, string> {
  const { defaultAction } = profile;
  const rules = profile.rules.filter((rule) => applies(rule, facts));
  const numbered = rulesByNumber(rules, { defaultAction, architecture: facts.architecture });
  if (!numbered.ok) return numbered;
  const otherwise = verdict(defaultAction);
  const runs = runsOf(numbered.value.rules, otherwise);
  if (facts.architecture === "x64") {
    runs.push({ from: X32, leaf: [KILL] }, { from: NO_CALL, leaf: [otherwise] });
  }
  const instructions = [
    load(ARCHITECTURE_AT),
    ...branch(
      { code: CODES.IF_EQUAL, value: AUDIT_ARCHITECTURE[facts.architecture] },
      { fails: [KILL], holds: [load(NUMBER_AT), ...search(runs)] },
    ),
  ];
  if (instructions.length > INSTRUCTIONS_MAX) {
    return err(`it becomes ${instructions.length} instructions, and the kernel takes 4096`);
  }
  return ok({ instructions, unknownNames: numbered.value.unknownNames });
}

/** As in Docker: all included capabilities, one included architecture, nothing excluded. */
function applies({ includes, excludes }: SystemCallRule, facts: FilterFacts): boolean {
  const { capabilities, architecture } = facts;
  const isHere = ({ architectures }: Circumstances): boolean =>
    architectures.includes(DOCKER_ARCHITECTURE[architecture]);
  if (!includes.capabilities.every((name) => capabilities.includes(name))) return false;
  if (excludes.capabilities.some((name) => capabilities.includes(name))) return false;
  if (includes.architectures.length > 0 && !isHere(includes)) return false;
  if (isHere(excludes)) return false;
  if (includes.kernel !== undefined && !isAtLeast(facts.kernel, includes.kernel)) return false;
  return excludes.kernel === undefined || !isAtLeast(facts.kernel, excludes.kernel);
}

function isAtLeast(
  [major, minor]: readonly [number, number],
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  return major === wantedMajor ? minor >= wantedMinor : major > wantedMajor;
}

type Rules = ReadonlyMap<number, readonly SystemCallRule[]>;

function rulesByNumber(
  rules: readonly SystemCallRule[],
  facts: { readonly defaultAction: Action; readonly architecture: Architecture },
): Result<{ readonly rules: Rules; readonly unknownNames: readonly string[] }, string> {
  const numbers = systemCalls[facts.architecture];
  const found = new Map<number, SystemCallRule[]>();
  const unknown = new Set<string>();
  for (const rule of rules) {
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number !== undefined) {
        found.set(number, [...(found.get(number) ?? []), rule]);
      } else if (!isSystemCall(name)) {
        if (isStricter(rule.action, facts.defaultAction)) {
          return err(`there is no system call '${name}' that it could keep from anybody`);
        }
        unknown.add(name);
      }
    }
  }
  return ok({ rules: found, unknownNames: [...unknown] });
}

function isStricter(action: Action, than: Action): boolean {
  return STRICTEST_FIRST.indexOf(action.kind) < STRICTEST_FIRST.indexOf(than.kind);
}

/** Numbers from `from` on, up to the next run's. */
interface Run {
  readonly from: number;
  readonly leaf: readonly Instruction[];
}

/** In order, from 0 on; neighbours with the same single answer are one. */
function runsOf(rules: Rules, otherwise: Instruction): Run[] {
  const runs: Run[] = [];
  const add = (run: Run): void => {
    const last = runs.at(-1);
    const isSame =
      last?.leaf.length === 1 &&
      run.leaf.length === 1 &&
      last.leaf[0]?.value === run.leaf[0]?.value;
    if (!isSame) runs.push(run);
  };
  let next = 0;
  for (const [number, ofCall] of [...rules].sort(([a], [b]) => a - b)) {
    if (number > next) add({ from: next, leaf: [otherwise] });
    add({ from: number, leaf: decide(ofCall, otherwise) });
    next = number + 1;
  }
  add({ from: next, leaf: [otherwise] });
  return runs;
}

/** One after the other; what is behind a rule that always matches is never reached. */
function decide(
  [rule, ...later]: readonly SystemCallRule[],
  otherwise: Instruction,
): readonly Instruction[] {
  if (rule === undefined) return [otherwise];
  const answer = [verdict(rule.action)];
  if (rule.tests.length === 0) return answer;
  const rest = decide(later, otherwise);
  const indexes = rule.tests.map(({ index }) => index);
  const isRepeated = new Set(indexes).size < indexes.length;
  const alternatives = isRepeated ? rule.tests.map((test) => [test]) : [rule.tests];
  return [...alternatives.flatMap((tests) => testArguments(tests, answer)), ...rest];
}

/** The accumulator holds the number. */
function search(runs: readonly Run[]): readonly Instruction[] {
  const middle = runs.length >> 1;
  const { from, leaf } = defined(runs[middle], "there are runs from 0 on");
  if (runs.length === 1) return leaf;
  return branch(
    { code: CODES.IF_AT_LEAST, value: from },
    { holds: search(runs.slice(middle)), fails: search(runs.slice(0, middle)) },
  );
}

function verdict({ kind, data }: Action): Instruction {
  // Bits beyond 31 make a negative number of what `|` gives.
  return giveBack((VERDICTS[kind] | data) >>> 0);
}
