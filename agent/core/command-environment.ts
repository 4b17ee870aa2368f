/** The variables that a CommandInfo asks for, secrets included. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeUtf8 } from "../../worker/protocol/wire/utf8.ts";

/** `command` passed the checks of launches: every secret has its value. Of two the later counts. */
export function commandEnvironment(
  command: mesos.CommandInfo | undefined,
): Readonly<Record<string, string>> {
  const variables = command?.environment?.variables ?? [];
  return Object.fromEntries(variables.map((variable) => [variable.name, textOf(variable)]));
}

/** Undefined: the variable is a secret that nobody here can read, or whose value is no text. */
export function secretText({ secret }: mesos.EnvironmentVariable): string | undefined {
  const data = secret?.value?.data;
  return data === undefined ? undefined : decodeUtf8(data);
}

function textOf(variable: mesos.EnvironmentVariable): string {
  return variable.value ?? secretText(variable) ?? "";
}
