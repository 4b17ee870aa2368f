/** What the ids that clients choose may look like: they become file names and parts of paths. */
import { CONTAINER_ID_BYTES, ID_BYTES } from "./limits.ts";
import { utf8Length } from "./wire/utf8.ts";

/**
 * Checks a framework, agent, task, executor or persistence id. Returns what is wrong, as the rest
 * of a sentence that begins with the id ("must not contain '/'"), or undefined when it is in order.
 * Source: http-semantics 15.1.
 */
export function checkIdentifier(id: string): string | undefined {
  return checkWithin(id, ID_BYTES);
}

/** `checkIdentifier` for container ids, which are joined by dots and appended to. */
export function checkContainerId(id: string): string | undefined {
  if (id.includes(".")) return "must not contain '.'";
  if (id.includes(" ")) return "must not contain a space";
  return checkWithin(id, CONTAINER_ID_BYTES);
}

function checkWithin(id: string, limitBytes: number): string | undefined {
  if (id === "") return "must not be empty";
  if (utf8Length(id) > limitBytes) return `must not be longer than ${limitBytes} bytes`;
  if (id === "." || id === "..") return "must not be '.' or '..'";
  for (const character of id) {
    if (character === "/" || character === "\\") return `must not contain '${character}'`;
    if (character < " " || character === "\x7f") return "must not contain control characters";
  }
  return undefined;
}
