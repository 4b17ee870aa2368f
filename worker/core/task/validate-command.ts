/** Checks of a CommandInfo's environment (http-semantics 15.4 row 6). */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { unreachable } from "../../std/assert.ts";

/** `owner`: like "Task" or "Executor", for the sentence. */
export function validateCommand(
  owner: string,
  command: mesos.CommandInfo | undefined,
): string | undefined {
  for (const variable of command?.environment?.variables ?? []) {
    const problem = variable.name.includes("\0")
      ? "contains a NUL character"
      : problemOf(variable, textOf(variable));
    if (problem !== undefined)
      return `${owner}'s environment variable '${variable.name}' ${problem}`;
  }
  return undefined;
}

/** The end of a sentence. A secret is never repeated in it. */
function problemOf(variable: mesos.EnvironmentVariable, text: string | undefined) {
  const { type = "VALUE", value, secret } = variable;
  switch (type) {
    case "UNKNOWN":
      return "is of an unknown type; use VALUE or SECRET";
    case "VALUE":
      if (secret !== undefined) return "is of type VALUE and has a secret; make it a SECRET";
      if (value === undefined) return "has no value";
      break;
    case "SECRET":
      if (value !== undefined) return "is a SECRET and has a plain value; leave one of them out";
      if (secret === undefined) return "is a SECRET and has no secret";
      if (secret.type === "REFERENCE" || secret.reference !== undefined) {
        return "is a SECRET of type REFERENCE, which no agent resolves; use the type VALUE";
      }
      if (secret.type !== "VALUE") return "has a secret of no known type; use the type VALUE";
      if (secret.value === undefined) return "has a secret without a value";
      break;
    default:
      return unreachable(type);
  }
  return text?.includes("\0") === true ? "contains a NUL character" : undefined;
}

/** Bytes as characters of the same number: where a NUL is, there is one. */
function textOf({ value, secret }: mesos.EnvironmentVariable): string | undefined {
  const data = secret?.value?.data;
  if (data === undefined) return value;
  return data.includes(0) ? "\0" : "";
}
