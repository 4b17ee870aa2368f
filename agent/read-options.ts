/**
 * Collects the options that somebody gave: on the command line, in the environment, in a file. Each
 * value remembers where it came from, so that a mistake in it can be told by the name that its
 * author knows.
 */
import { parseArgs } from "node:util";
import { nearest } from "../worker/std/nearest.ts";
import { err, ok, type Result } from "../worker/std/result.ts";
import {
  type AgentOption,
  agentOptions,
  COMMAND_LINE_ONLY,
  type OptionName,
  variableOf,
} from "./options.ts";

export interface OptionSources {
  /** Without node and the script. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; the error is a clause. */
  readonly readFile: (path: string) => Result<string, string>;
}

export interface GivenOptions {
  /** The word before the options, such as "check". */
  readonly command: string | undefined;
  text(name: OptionName): string | undefined;
  has(name: OptionName): boolean;
  /** How its author wrote the option: "--port", "RIMROCK_AGENT_PORT" or "port in FILE". */
  label(name: OptionName): string;
}

type Given = ReadonlyMap<string, { readonly value: string; readonly label: string }>;
type Read = Result<Given, readonly string[]>;

/** The errors are sentences, one per mistake. */
export function readOptions(sources: OptionSources): Result<GivenOptions, readonly string[]> {
  const line = readLine(sources.args);
  if (!line.ok) return line;
  const { command, given } = line.value;
  const environment = readEnvironment(sources.env);
  const path = given.get("config")?.value ?? environment.get("config")?.value;
  const file: Read =
    path === undefined || path === "" ? ok(new Map()) : readConfigFile(path, sources);
  if (!file.ok) return file;
  const written = [...new Map([...file.value, ...environment, ...given])];
  const errors = written.flatMap(([name, { value, label }]) => switchMistake(name, value, label));
  const all = new Map<string, { readonly value: string; readonly label: string }>();
  for (const [name, { value, label }] of written) {
    const content = contentOf(name, value, sources);
    if (content.ok) all.set(name, { value: content.value, label });
    else errors.push(`${label} ${value}: ${content.error}`);
  }
  if (errors.length > 0) return err(errors);
  return ok({
    command,
    text: (name) => all.get(name)?.value,
    has: (name) => all.get(name)?.value === "true",
    label: (name) => all.get(name)?.label ?? `--${name}`,
  });
}

/** Options that name a file or folder themselves. */
const NAMES_FILE: ReadonlySet<string> = new Set([
  ...["config", "ca", "work-dir", "docker-config", "docker-socket", "docker-registry"],
  ...[
    "docker-store-dir",
    "executor-environment-variables",
    "frameworks-home",
    "hadoop-home",
    "seccomp-config-dir",
  ],
]);

/** As everywhere in Mesos, `file://` and a path stand for what is in that file. */
function contentOf(
  name: string,
  value: string,
  { readFile }: OptionSources,
): Result<string, string> {
  const path = /^file:\/\/(\/.*)$/s.exec(value)?.[1];
  if (path === undefined) return ok(value);
  if (NAMES_FILE.has(name)) return ok(path);
  const content = readFile(path);
  return content.ok ? ok(content.value.trim()) : content;
}

function readLine(
  args: readonly string[],
): Result<{ command: string | undefined; given: Given }, readonly string[]> {
  const options = Object.fromEntries(
    Object.entries<AgentOption>(agentOptions).map(([name, { kind }]) => [
      name,
      { type: kind === "text" ? ("string" as const) : ("boolean" as const) },
    ]),
  );
  try {
    const switches = args.flatMap((word) => switchOf(word) ?? []);
    const named = args.filter((word) => switchOf(word) === undefined).map(withDashes);
    const parsed = parseArgs({ args: named, options, strict: true, allowPositionals: true });
    const [command, stray] = parsed.positionals;
    if (stray !== undefined) return err([`'${stray}' is one word too many; see --help`]);
    const given = new Map(
      Object.entries(parsed.values).map(([name, value]) => [
        name,
        { value: String(value), label: `--${name}` },
      ]),
    );
    for (const { name, value, label } of switches) given.set(name, { value, label });
    return ok({ command, given });
  } catch (cause) {
    return err([
      `${lineMistake(cause instanceof Error ? cause.message : String(cause))}; see --help`,
    ]);
  }
}

/** `message`: of Node's `parseArgs`, which speaks to programmers. */
function lineMistake(message: string): string {
  const unknown = /^Unknown option '(-[^']*)'/.exec(message)?.[1];
  if (unknown !== undefined) {
    const near = nearest(unknown.replace(/^-+/, ""), Object.keys(agentOptions));
    return `there is no option '${unknown}'${near === undefined ? "" : `; did you mean --${near}?`}`;
  }
  const [, option, rest = ""] = /^Option '(?:-\w, )?(--[\w-]+)[^']*' (.*)/s.exec(message) ?? [];
  if (option === undefined) return message.split("\n")[0] ?? message;
  if (rest.includes("ambiguous"))
    return `what follows ${option} begins with a dash; write ${option}=VALUE`;
  if (rest.includes("missing")) return `${option} needs a value behind it`;
  return `${option} is a switch: it takes no value but true and false`;
}

/**
 * A switch as Mesos takes it besides its bare name: `--json=false`, `--no-json`; of one whose name
 * begins with "no" also without that. Undefined: it is something else.
 */
function switchOf(
  word: string,
): { readonly name: string; readonly value: string; readonly label: string } | undefined {
  const [, label, written, value] = /^(--([a-z_-]+))(?:=(true|false))?$/.exec(word) ?? [];
  if (label === undefined || written === undefined) return undefined;
  const name = written.replaceAll("_", "-");
  if (isSwitch(name)) return value === undefined ? undefined : { name, value, label };
  const opposite = name.startsWith("no-") ? name.slice("no-".length) : `no-${name}`;
  if (!isSwitch(opposite)) return undefined;
  return { name: opposite, value: value === "false" ? "true" : "false", label };
}

function isSwitch(name: string): boolean {
  // Of an object that is no map, only its own members are options.
  if (!Object.hasOwn(agentOptions, name)) return false;
  const option: AgentOption = agentOptions[name as OptionName];
  return option.kind === "switch";
}

/** Mesos writes `--work_dir=DIR`. What is not a name stays as it is, like the word after one. */
function withDashes(word: string): string {
  const [, name, value = ""] = /^--([a-z_-]+)(=.*)?$/s.exec(word) ?? [];
  const dashed = name?.replaceAll("_", "-");
  if (dashed === undefined || !Object.hasOwn(agentOptions, dashed)) return word;
  return `--${dashed}${value}`;
}

/** An empty variable counts as none. */
function readEnvironment(env: OptionSources["env"]): Given {
  const given = new Map<string, { value: string; label: string }>();
  for (const name of Object.keys(agentOptions)) {
    const label = variableOf(name);
    const value = env[label];
    if (COMMAND_LINE_ONLY.has(name) || value === undefined || value === "") continue;
    given.set(name, { value, label });
  }
  return given;
}

function readConfigFile(path: string, { readFile }: OptionSources): Read {
  const text = readFile(path);
  if (!text.ok) return err([`--config ${path}: ${text.error}`]);
  const parsed = parseObject(text.value);
  if (!parsed.ok) return err([`--config ${path}: ${parsed.error}`]);
  const given = new Map<string, { value: string; label: string }>();
  const errors: string[] = [];
  for (const [written, value] of Object.entries(parsed.value)) {
    const dashed = written.replaceAll("_", "-");
    const name = Object.hasOwn(agentOptions, dashed) ? dashed : written;
    if (!Object.hasOwn(agentOptions, name) || COMMAND_LINE_ONLY.has(name) || name === "config") {
      errors.push(`${path}: there is no option '${name}'; see --help`);
    } else if (typeof value === "object") {
      // Resources and others have a JSON form of their own.
      given.set(name, { value: JSON.stringify(value), label: `${name} in ${path}` });
    } else {
      given.set(name, { value: String(value), label: `${name} in ${path}` });
    }
  }
  return errors.length > 0 ? err(errors) : ok(given);
}

function parseObject(text: string): Result<Readonly<Record<string, unknown>>, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return err(`it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    // An object that is no array: its values are looked at one by one.
    return ok(value as Readonly<Record<string, unknown>>);
  }
  return err('it is not an object; write one like {"master": "https://HOST"}');
}

/** `name` is one of the table's: the readers above let nothing else in. */
function switchMistake(name: string, value: string, label: string): string[] {
  const option: AgentOption = agentOptions[name as OptionName];
  if (option.kind === "text" || value === "true" || value === "false") return [];
  return [`${label} '${value}' is a switch; write true or false`];
}
