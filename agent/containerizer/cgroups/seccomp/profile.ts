/**
 * Seccomp profiles in Docker's JSON format: which system calls a container's processes may make.
 * What a profile says and this reader does not know is a mistake, not a remark: a misspelled
 * `excludes` would let through what its author forbade. Sources: the profile documentation of
 * Docker (engine/security/seccomp), runtime-spec's config-linux.md, libseccomp's seccomp.h. Pure.
 */
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type { CapabilityName } from "../../containerizer.ts";
import { capabilityNames } from "../space/privileges.ts";
import { document, list, number, object, type Parsed, text, wideNumber } from "./profile-json.ts";

/** `data`: the errno of ERRNO, a tracer's message of TRACE; 0 of all others. */
export interface Action {
  readonly kind: "KILL_PROCESS" | "KILL_THREAD" | "TRAP" | "ERRNO" | "TRACE" | "LOG" | "ALLOW";
  readonly data: number;
}

/** MASKED_EQ: (argument & value) = (valueTwo & value). All are of 64 bits, without a sign. */
export interface ArgumentTest {
  /** 0 to 5. */
  readonly index: number;
  readonly operator: "NE" | "LT" | "LE" | "EQ" | "GE" | "GT" | "MASKED_EQ";
  readonly value: bigint;
  readonly valueTwo: bigint;
}

/** Of a rule: where it holds. */
export interface Circumstances {
  readonly capabilities: readonly CapabilityName[];
  /** As Docker names them, like "amd64". */
  readonly architectures: readonly string[];
  /** The kernel's version, or a later one. */
  readonly kernel: readonly [major: number, minor: number] | undefined;
}

export interface SystemCallRule {
  readonly names: readonly string[];
  readonly action: Action;
  readonly tests: readonly ArgumentTest[];
  readonly includes: Circumstances;
  readonly excludes: Circumstances;
}

export interface Profile {
  readonly defaultAction: Action;
  readonly rules: readonly SystemCallRule[];
}

const EPERM = 1;
/** The kernel's MAX_ERRNO: what is beyond would be no error to the program. */
const ERRNO_MAX = 4_095;
const DATA_MAX = 0xffff;

const KINDS: { readonly [word: string]: Action["kind"] } = {
  SCMP_ACT_KILL: "KILL_THREAD",
  SCMP_ACT_KILL_THREAD: "KILL_THREAD",
  SCMP_ACT_KILL_PROCESS: "KILL_PROCESS",
  SCMP_ACT_TRAP: "TRAP",
  SCMP_ACT_ERRNO: "ERRNO",
  SCMP_ACT_TRACE: "TRACE",
  SCMP_ACT_LOG: "LOG",
  SCMP_ACT_ALLOW: "ALLOW",
};

const OPERATORS: { readonly [word: string]: ArgumentTest["operator"] } = {
  SCMP_CMP_NE: "NE",
  SCMP_CMP_LT: "LT",
  SCMP_CMP_LE: "LE",
  SCMP_CMP_EQ: "EQ",
  SCMP_CMP_GE: "GE",
  SCMP_CMP_GT: "GT",
  SCMP_CMP_MASKED_EQ: "MASKED_EQ",
};

/** The error is a clause that says where in the profile the mistake is. */
export function parseProfile(json: string): Result<Profile, string> {
  try {
    return ok(readProfile(object(document(json), "it", PROFILE_KEYS)));
  } catch (cause) {
    // Thrown by the readers of `profile-json.ts`, and by those below, at the place of the mistake.
    return err(cause instanceof Error ? cause.message : String(cause));
  }
}

const PROFILE_KEYS = [
  ...["defaultAction", "defaultErrnoRet", "defaultErrno", "archMap", "architectures", "syscalls"],
  ...["flags", "comment"],
];

function readProfile(profile: Parsed): Profile {
  if (profile.archMap !== undefined && profile.architectures !== undefined) {
    throw new Error("it has both `archMap` and `architectures`; leave one out");
  }
  // They run one after the other in one thread here, so that nothing is left to be told by it.
  const flag = list(profile.flags, "`flags`").find((one) => one !== "SECCOMP_FILTER_FLAG_TSYNC");
  if (flag !== undefined) throw new Error(`setpriv(1) cannot set the flag ${String(flag)}`);
  const defaultAction = readAction("`defaultAction`", {
    word: profile.defaultAction,
    errno: profile.defaultErrnoRet,
    errnoName: profile.defaultErrno,
  });
  const rules = list(profile.syscalls, "`syscalls`").map((rule, index) =>
    readRule(object(rule, `syscalls[${index}]`, RULE_KEYS), `syscalls[${index}]`),
  );
  return { defaultAction, rules };
}

const RULE_KEYS = [
  ...["name", "names", "action", "errnoRet", "errno", "args", "includes", "excludes", "comment"],
];

function readRule(rule: Parsed, where: string): SystemCallRule {
  const names = list(rule.names, `${where}.names`).map((name) => text(name, `${where}.names`));
  if (rule.name !== undefined) names.push(text(rule.name, `${where}.name`));
  if (names.length === 0) throw new Error(`${where} has no \`names\``);
  const action = readAction(`${where}.action`, {
    word: rule.action,
    errno: rule.errnoRet,
    errnoName: rule.errno,
  });
  return {
    names,
    action,
    tests: list(rule.args, `${where}.args`).map((test, index) =>
      readTest(object(test, `${where}.args[${index}]`, TEST_KEYS), `${where}.args[${index}]`),
    ),
    includes: readCircumstances(rule.includes, `${where}.includes`),
    excludes: readCircumstances(rule.excludes, `${where}.excludes`),
  };
}

function readAction(
  where: string,
  given: { readonly word: unknown; readonly errno: unknown; readonly errnoName: unknown },
): Action {
  const word = text(given.word, where);
  if (word === "SCMP_ACT_NOTIFY") {
    throw new Error(`${where} is SCMP_ACT_NOTIFY, and there is nobody here to be asked`);
  }
  const kind = Object.hasOwn(KINDS, word) ? KINDS[word] : undefined;
  if (kind === undefined) {
    throw new Error(`${where} '${word}' is none of ${Object.keys(KINDS).join(", ")}`);
  }
  if (kind !== "ERRNO" && kind !== "TRACE") return { kind, data: 0 };
  if (given.errno === undefined && given.errnoName !== undefined) {
    throw new Error(`${where} has its errno as a name only; write the number as errnoRet`);
  }
  const data = given.errno === undefined ? EPERM : number(given.errno, `the errno of ${where}`);
  const most = kind === "ERRNO" ? ERRNO_MAX : DATA_MAX;
  if (data > most) throw new Error(`the errno ${data} of ${where} is above ${most}`);
  return { kind, data };
}

const TEST_KEYS = ["index", "value", "valueTwo", "op", "comment"];
const ARGUMENT_INDEX_MAX = 5;

function readTest(test: Parsed, where: string): ArgumentTest {
  const index = number(test.index ?? 0, `${where}.index`);
  if (index > ARGUMENT_INDEX_MAX) {
    throw new Error(`${where}.index is ${index}; a system call has the arguments 0 to 5`);
  }
  const word = text(test.op, `${where}.op`);
  const operator = Object.hasOwn(OPERATORS, word) ? OPERATORS[word] : undefined;
  if (operator === undefined) {
    throw new Error(`${where}.op '${word}' is none of ${Object.keys(OPERATORS).join(", ")}`);
  }
  const value = wideNumber(test.value ?? 0, `${where}.value`);
  return { index, operator, value, valueTwo: wideNumber(test.valueTwo ?? 0, `${where}.valueTwo`) };
}

function readCircumstances(given: unknown, where: string): Circumstances {
  const { caps, arches, minKernel } = object(given ?? {}, where, ["caps", "arches", "minKernel"]);
  return {
    capabilities: list(caps, `${where}.caps`).map((cap) => readCapability(cap, `${where}.caps`)),
    architectures: list(arches, `${where}.arches`).map((arch) => text(arch, `${where}.arches`)),
    kernel: minKernel === undefined ? undefined : readVersion(minKernel, `${where}.minKernel`),
  };
}

function readCapability(given: unknown, where: string): CapabilityName {
  const word = text(given, where);
  const name = capabilityNames.find((known) => `CAP_${known}` === word.toUpperCase());
  if (name === undefined) throw new Error(`${where} names '${word}', which is no capability`);
  return name;
}

function readVersion(given: unknown, where: string): readonly [number, number] {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})$/.exec(text(given, where)) ?? [];
  if (major === undefined || minor === undefined) {
    throw new Error(`${where} is no version; write one like 4.8`);
  }
  return [Number(major), Number(minor)];
}
