/** The agent's options about what all tasks find. */
import { isAbsolute, resolve } from "node:path";
import { err, ok, type Result } from "../worker/std/result.ts";
import type { OptionName } from "./options.ts";
import type { GivenOptions, OptionSources } from "./read-options.ts";
import type { TaskDefaults } from "./shell/task-defaults.ts";

/** `read` takes note of mistakes. */
export function readTaskOptions(
  given: GivenOptions,
  { readFile }: Pick<OptionSources, "readFile">,
  read: <T>(result: Result<T, string>, otherwise: T) => T,
): TaskDefaults {
  return {
    switchUser: process.geteuid?.() === 0 && !given.has("no-switch-user"),
    environment: read(readEnvironment(given, readFile), {}),
    frameworksHome: read(readFolder(given, "frameworks-home"), undefined),
    hadoopHome: read(readFolder(given, "hadoop-home"), undefined),
  };
}

function readFolder(given: GivenOptions, option: OptionName): Result<string | undefined, string> {
  const text = given.text(option);
  if (text === undefined || text === "") return ok(undefined);
  if (isAbsolute(text)) return ok(resolve(text));
  return err(`${given.label(option)} '${text}' is a relative path; make it absolute`);
}

const OPTION = "executor-environment-variables";

/** JSON, or the file that has it. */
function readEnvironment(
  given: GivenOptions,
  readFile: OptionSources["readFile"],
): Result<TaskDefaults["environment"], string> {
  const text = given.text(OPTION);
  if (text === undefined) return ok({});
  const label = given.label(OPTION);
  const isInline = text.trimStart().startsWith("{");
  const path = text.replace(/^file:\/\//, "");
  const content = isInline ? ok(text) : readFile(resolve(path));
  if (!content.ok) return err(`${label} ${path}: ${content.error}`);
  const variables = parseVariables(content.value);
  return variables.ok ? variables : err(`${label} ${variables.error}`);
}

/** The error continues a sentence, and tells no values. */
function parseVariables(text: string): Result<Readonly<Record<string, string>>, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return err('is not JSON; write an object like {"JAVA_HOME": "/opt/java"}');
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return err('is no object; write one like {"JAVA_HOME": "/opt/java"}');
  }
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (!/^[^=\0]+$/.test(name)) return err(`has the name '${name}', which no variable can have`);
    if (typeof value !== "string" || value.includes("\0")) {
      return err(`has something else than a text for ${name}; put it in quotes`);
    }
    variables[name] = value;
  }
  return ok(variables);
}
