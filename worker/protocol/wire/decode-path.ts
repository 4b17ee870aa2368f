/** Where in a message a mistake is, as a client would write it: `accept.operations[0].launch`. */
import { MISSING_FIELDS_NAMED, QUOTED_LENGTH } from "../limits.ts";
import type { DecodeError } from "./decode-error.ts";

/** A field's name, a map's key or a list's index. */
export type PathStep = string | number;

export function pathText(path: readonly PathStep[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${quoted(step)}`;
  }
  return text;
}

/** A client's own text, cut to what an error repeats of it. */
export function quoted(text: string): string {
  return text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}...` : text;
}

/** Required fields that are not set: all are counted, the first of them named. */
export class MissingFields {
  readonly #paths: string[] = [];
  #count = 0;

  note(path: readonly PathStep[], name: string): void {
    this.#count++;
    if (this.#paths.length < MISSING_FIELDS_NAMED) this.#paths.push(pathText([...path, name]));
  }

  /** Undefined when none is missing. */
  error(): DecodeError | undefined {
    if (this.#count === 0) return undefined;
    const more = this.#count - this.#paths.length;
    return { code: "REQUIRED_MISSING", paths: this.#paths, more };
  }
}
