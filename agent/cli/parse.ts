/**
 * A command line taken apart: which command, its flags' values, its operands. Pure; knows no
 * command by name.
 *
 *     rimrock [global flags] <command> [flags, global or its own] [words] [-- argv]
 *
 * A flag's value follows it or stands after "=". Everything after `--` is left as it is.
 */

import { nearest } from "../../worker/std/nearest.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type {
  AnyFlagValues,
  Command,
  CommandContext,
  Flag,
  Flags,
  FlagValue,
  OperandValues,
} from "./command.ts";

export const DEFAULT_MASTER = "http://127.0.0.1:5050";

export const GLOBAL_FLAGS = {
  master: {
    kind: "text",
    placeholder: "URL",
    help: `the cluster's master (or set RIMROCK_MASTER; else ${DEFAULT_MASTER})`,
  },
  ca: {
    kind: "text",
    placeholder: "FILE",
    help: "PEM certificates to trust besides the public ones (or set RIMROCK_CA)",
  },
  json: { kind: "switch", help: "print JSON instead of text for people" },
  help: { kind: "switch", help: "show help, also for one command" },
} as const satisfies Flags;

export type CommandLine =
  /** `shown`: the one command asked about, or several (`rimrock agent --help`), or all. */
  | { readonly kind: "HELP"; readonly shown: Command | readonly Command[] }
  | {
      readonly kind: "RUN";
      readonly command: Command;
      readonly values: AnyFlagValues;
      readonly operands: OperandValues;
      readonly json: boolean;
      readonly master: CommandContext["master"];
      /** Path of a file with certificates. */
      readonly ca: string | undefined;
    };

/** A sentence for the user: what is wrong, and the nearest thing that would be right. */
export interface UsageError {
  readonly message: string;
  readonly command: Command | undefined;
}

export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  environment: Readonly<Record<string, string | undefined>>,
): Result<CommandLine, UsageError> {
  const dashes = argv.indexOf("--");
  const own = dashes < 0 ? argv : argv.slice(0, dashes);
  const group = groupAsked(own, commands);
  if (group.length > 0) return ok({ kind: "HELP", shown: group });
  const found = findCommand(own, commands);
  if (!found.ok) return found;
  const { command, rest } = found.value;
  const flags: Flags = { ...command?.flags, ...GLOBAL_FLAGS };
  const split = splitFlags(rest, flags);
  if (!split.ok) return err({ message: split.error, command });
  const { given, words } = split.value;
  if (given.has("help") || command === undefined)
    return ok({ kind: "HELP", shown: command ?? commands });
  const values = valuesOf(flags, given);
  if (!values.ok) return err({ message: values.error, command });
  const afterDashes = dashes >= 0;
  const operands = operandsOf(command, words, afterDashes ? argv.slice(dashes + 1) : undefined);
  if (!operands.ok) return err({ message: operands.error, command });
  const master = masterOf(given.get("master")?.[0], environment);
  if (!master.ok) return err({ message: master.error, command });
  return ok({
    kind: "RUN",
    command,
    values: values.value,
    operands: { ...operands.value, afterDashes },
    json: given.has("json"),
    master: master.value,
    ca: given.get("ca")?.[0] ?? (environment.RIMROCK_CA || undefined),
  });
}

/** The commands that begin with the one word there is beside --help. */
function groupAsked(line: readonly string[], commands: readonly Command[]): readonly Command[] {
  const words = line.filter((word) => word !== "--help" && word !== "-h");
  const [word] = words;
  if (words.length !== 1 || words.length === line.length) return [];
  if (commands.some(({ name }) => name === word)) return [];
  return commands.filter(({ name }) => name.startsWith(`${word} `));
}

/** The command whose words stand first among what is no flag; `rest` is the line without them. */
function findCommand(
  line: readonly string[],
  commands: readonly Command[],
): Result<{ command: Command | undefined; rest: readonly string[] }, UsageError> {
  let start = 0;
  while (start < line.length && line[start]?.startsWith("-")) {
    start += line[start] === "--master" || line[start] === "--ca" ? 2 : 1;
  }
  const words = line.slice(start);
  const [first] = words;
  if (first === undefined) return ok({ command: undefined, rest: line });
  const isNamed = ({ name }: Command): boolean =>
    name.split(" ").every((word, at) => word === words[at]);
  const [command] = commands.filter(isNamed).sort((a, b) => b.name.length - a.name.length);
  if (command !== undefined) {
    const length = command.name.split(" ").length;
    return ok({ command, rest: [...line.slice(0, start), ...words.slice(length)] });
  }
  const typed = words.filter((word) => !word.startsWith("-")).slice(0, 2);
  return err({ message: unknownCommand(typed, commands), command: undefined });
}

function unknownCommand(typed: readonly string[], commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name);
  const [first = ""] = typed;
  const begins = names.filter((name) => name.startsWith(`${first} `));
  if (begins.length > 0) {
    const second = typed[1];
    const unknown = second === undefined ? "" : `, not "${second}"`;
    return `"${first}" goes on with one of: ${begins.join(", ")}${unknown}`;
  }
  const firstWords = names.map((name) => name.split(" ")[0] ?? name);
  const near = nearest(typed.join(" "), names) ?? nearest(first, firstWords);
  const meant = names.find((name) => name === near || name.startsWith(`${near} `));
  const hint = meant === undefined ? "see: rimrock help" : `did you mean "${meant}"?`;
  return `there is no command "${first}": ${hint}`;
}

interface Split {
  /** Flag → its values as text, in order; a switch has "". */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
}

function splitFlags(line: readonly string[], flags: Flags): Result<Split, string> {
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < line.length; at++) {
    const word = line[at] ?? "";
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    const switches = shortSwitches(word, flags);
    if (switches !== undefined) {
      for (const name of switches) given.set(name, [...(given.get(name) ?? []), ""]);
      continue;
    }
    const equals = word.indexOf("=");
    const typed = equals < 0 ? word : word.slice(0, equals);
    const name = typed === "-h" ? "help" : typed.replace(/^--/, "");
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) return err(unknownFlag(typed, flags));
    let value = equals < 0 ? undefined : word.slice(equals + 1);
    if (flag.kind === "switch") {
      if (value !== undefined) return err(`--${name} takes no value`);
    } else if (value === undefined) {
      value = line[++at];
      if (value === undefined || value.startsWith("--")) {
        return err(`--${name} needs a value: --${name} ${flag.placeholder}`);
      }
    }
    const before = given.get(name);
    if (before !== undefined && flag.kind !== "texts" && flag.kind !== "switch") {
      return err(`--${name} is given twice`);
    }
    given.set(name, [...(before ?? []), value ?? ""]);
  }
  return ok({ given, words });
}

function unknownFlag(typed: string, flags: Flags): string {
  const near = nearest(typed.replace(/^-+/, ""), Object.keys(flags));
  const hint = near === undefined ? "see --help" : `did you mean --${near}?`;
  return `there is no flag ${typed}: ${hint}`;
}

function valuesOf(flags: Flags, given: Split["given"]): Result<AnyFlagValues, string> {
  const values: Record<string, FlagValue> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const value = flagValue(name, flag, given.get(name));
    if (!value.ok) return value;
    values[name] = value.value;
  }
  return ok(values);
}

/** The switches that `-i`, or `-it`, stands for; undefined: it stands for none. */
function shortSwitches(word: string, flags: Flags): readonly string[] | undefined {
  if (!/^-[A-Za-z]+$/.test(word)) return undefined;
  const names = [...word.slice(1)].map(
    (letter) =>
      Object.entries(flags).find(
        ([, flag]) => flag.kind === "switch" && flag.short === letter,
      )?.[0],
  );
  const known = names.flatMap((name) => name ?? []);
  return known.length === names.length ? known : undefined;
}

function flagValue(
  name: string,
  flag: Flag,
  texts: readonly string[] | undefined,
): Result<FlagValue, string> {
  if (flag.kind === "switch") return ok(texts !== undefined);
  if (flag.kind === "texts") return ok(texts ?? []);
  const text = texts?.[0];
  if (text === undefined) return ok(flag.fallback);
  if (flag.kind === "text") {
    if (flag.choices === undefined || flag.choices.includes(text)) return ok(text);
    const near = nearest(text, flag.choices);
    const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
    return err(`--${name} is one of ${flag.choices.join(", ")}, not "${text}"${hint}`);
  }
  const number = text.trim() === "" ? Number.NaN : Number(text);
  const isNumber = flag.kind === "integer" ? Number.isSafeInteger(number) : Number.isFinite(number);
  const maximum = flag.maximum ?? Number.POSITIVE_INFINITY;
  if (isNumber && number >= flag.minimum && number <= maximum) return ok(number);
  const kind = flag.kind === "integer" ? "a whole number" : "a number";
  const upper = flag.maximum === undefined ? "" : ` and at most ${flag.maximum}`;
  return err(`--${name} is ${kind} of at least ${flag.minimum}${upper}, not "${text}"`);
}

/** What a program is to be run with, or the words that the command takes. */
function operandsOf(
  command: Command,
  words: readonly string[],
  argv: readonly string[] | undefined,
): Result<Omit<OperandValues, "afterDashes">, string> {
  const [extra] = words;
  const { operands, name } = command;
  switch (operands.kind) {
    case "none":
      if (extra !== undefined) return err(`"rimrock ${name}" takes no "${extra}"`);
      return argv === undefined
        ? ok({ words: [] })
        : err(`"rimrock ${name}" takes nothing after --`);
    case "words":
      return ok({ words: [...words, ...(argv ?? [])] });
    case "targetArgv":
      return targetOf(command, words, argv);
    case "argv":
      if (argv === undefined && words.length > 1) {
        return err(`put -- before the command: rimrock ${name} [flags] -- ${words.join(" ")}`);
      }
      if (argv !== undefined && extra !== undefined) {
        return err(`"${extra}" stands before --: flags come first, then -- and the command`);
      }
      if (words.length === 0 && (argv === undefined || argv.length === 0)) {
        return err(`what is to be run? rimrock ${name} [flags] -- ${operands.placeholder}`);
      }
      return ok({ words: argv ?? words });
  }
}

function targetOf(
  { name, operands }: Command,
  words: readonly string[],
  argv: readonly string[] | undefined,
): Result<Omit<OperandValues, "afterDashes">, string> {
  const [target, extra] = words;
  const usage = operands.kind === "none" ? "" : `rimrock ${name} [flags] ${operands.placeholder}`;
  if (target === undefined) return err(`on what? ${usage}`);
  if (argv === undefined && extra !== undefined) {
    const rest = words.slice(1).join(" ");
    return err(`put -- before the command: rimrock ${name} [flags] ${target} -- ${rest}`);
  }
  if (extra !== undefined) return err(`"${extra}" is one too many before --: ${usage}`);
  if (argv === undefined || argv.length === 0) return err(`what is to be run? ${usage}`);
  return ok({ words, argv });
}

function masterOf(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Result<CommandContext["master"], string> {
  const variable = environment.RIMROCK_MASTER;
  const [text, source] =
    flag !== undefined
      ? ([flag, "flag"] as const)
      : variable
        ? ([variable, "environment"] as const)
        : ([DEFAULT_MASTER, "default"] as const);
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (URL.canParse(url)) return ok({ url, source });
  const name = source === "flag" ? "--master" : "RIMROCK_MASTER";
  return err(`${name} is no URL: "${text}" (one looks like ${DEFAULT_MASTER})`);
}
