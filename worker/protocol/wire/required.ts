/**
 * Which required fields a whole message lacks: for an encoding that may bring a message in parts.
 */
import { assert } from "../../std/assert.ts";
import type { DecodeError } from "./decode-error.ts";
import { MissingFields, type PathStep } from "./decode-path.ts";
import { type FieldType, messageDescriptor } from "./descriptor.ts";

/** In the order that JSON names them in. `message`: as a decoder made it, but not complete. */
export function missingRequired(
  name: string,
  message: Readonly<Record<string, unknown>>,
): DecodeError | undefined {
  const missing = new MissingFields();
  noteMissing(name, message, [], missing);
  return missing.error();
}

/** Goes as deep as the decoder has gone. `path` is as it was when this returns. */
function noteMissing(name: string, value: unknown, path: PathStep[], missing: MissingFields): void {
  assert(isObject(value), "a message is an object");
  const { fields } = messageDescriptor(name);
  for (const field of fields) {
    const isMissing = field.label === "required" && value[field.name] === undefined;
    if (isMissing) missing.note(path, field.name);
  }
  for (const { name: fieldName, type } of fields) {
    const within = value[fieldName];
    if (within === undefined || type.kind === "SCALAR" || type.kind === "ENUM") continue;
    path.push(fieldName);
    noteWithin(type, within, path, missing);
    path.pop();
  }
}

function noteWithin(
  type: FieldType,
  value: unknown,
  path: PathStep[],
  missing: MissingFields,
): void {
  if (type.kind === "MESSAGE" && !Array.isArray(value)) {
    noteMissing(type.name, value, path, missing);
    return;
  }
  const element = type.kind === "MAP" ? type.value : type;
  if (element.kind !== "MESSAGE") return;
  for (const [key, each] of Object.entries(Object(value))) {
    path.push(type.kind === "MAP" ? key : Number(key));
    noteMissing(element.name, each, path, missing);
    path.pop();
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
