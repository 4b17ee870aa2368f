/**
 * Messages to JSON text as Mesos writes it, by closures that are compiled once per message from its
 * descriptor: no value tree in between, and a 64-bit integer never passes through a double.
 *
 * A message that is not in the form of its type is a bug of ours and fails an assertion.
 */
import { AssertionError, assert, defined, unreachable } from "../../std/assert.ts";
import type { MessageName } from "../descriptors.ts";
import { encodeBase64 } from "./base64.ts";
import {
  type FieldDescriptor,
  type FieldType,
  INTEGER_RANGES,
  messageDescriptor,
  type ScalarName,
} from "./descriptor.ts";
import { type KeptValues, keptValues } from "./kept.ts";

/**
 * Lists that are written even when they are empty: Mesos assembles these answers by hand, and
 * clients of the operator APIs go through the lists without asking whether they are there.
 */
const LISTS_ALWAYS_WRITTEN: Readonly<Partial<Record<MessageName, readonly string[]>>> = {
  "mesos.v1.master.Response.GetAgents": ["agents", "recovered_agents"],
  "mesos.v1.master.Response.GetExecutors": ["executors"],
  "mesos.v1.master.Response.GetFrameworks": ["frameworks", "completed_frameworks"],
  "mesos.v1.master.Response.GetTasks": ["tasks", "unreachable_tasks", "completed_tasks"],
  "mesos.v1.agent.Response.GetExecutors": ["executors", "completed_executors"],
  "mesos.v1.agent.Response.GetFrameworks": ["frameworks", "completed_frameworks"],
  "mesos.v1.agent.Response.GetTasks": [
    "pending_tasks",
    "queued_tasks",
    "launched_tasks",
    "terminated_tasks",
    "completed_tasks",
  ],
};

/** Text of a value; "" when nothing is written (an empty list or map). */
type Writer = (value: unknown) => string;

interface FieldWriter {
  readonly name: string;
  readonly isRequired: boolean;
  /** The key of a first member: `{"name":` */
  readonly opening: string;
  /** The key of a later member: `,"name":` */
  readonly following: string;
  readonly kept: KeptValues;
  readonly write: Writer;
  /** What stands for the unset field, key included; "" when it is left out. */
  readonly unsetText: string;
}

const listsAlwaysWritten = new Map(Object.entries(LISTS_ALWAYS_WRITTEN));
const writers = new Map<string, Writer>();

/** The writer of a message, compiled when it is first needed. */
export function messageWriter(name: string): Writer {
  const known = writers.get(name);
  if (known !== undefined) return known;
  // The fields are compiled at the first use, so that messages may contain themselves.
  let fields: readonly FieldWriter[] | undefined;
  const writer: Writer = (value) => {
    fields ??= messageDescriptor(name).fields.map((field) => fieldWriter(name, field));
    assert(isObject(value), "a message is an object");
    return writeMessage(name, fields, value);
  };
  writers.set(name, writer);
  return writer;
}

function writeMessage(
  name: string,
  fields: readonly FieldWriter[],
  message: Readonly<Record<string, unknown>>,
): string {
  let members = "";
  for (const field of fields) {
    const value = message[field.name];
    if (value === undefined && field.isRequired) {
      throw new AssertionError(`${name}.${field.name} is set, because it is required`);
    }
    const text = value === undefined ? "" : fieldText(field, value);
    if (text !== "") members += (members === "" ? field.opening : field.following) + text;
    else if (field.unsetText !== "") members += (members === "" ? "{" : ",") + field.unsetText;
  }
  return members === "" ? "{}" : `${members}}`;
}

function fieldText({ kept: { encodings }, write }: FieldWriter, value: unknown): string {
  if (encodings === undefined || typeof value !== "object" || value === null) return write(value);
  const encoding = encodings.get(value);
  if (encoding === undefined) return write(value);
  encoding.json ??= inOnePiece(write(value));
  return encoding.json;
}

/**
 * The same text. V8 keeps a text that was put together as the tree of its parts, and would walk
 * that tree whenever a text around it becomes bytes; a search joins it for good.
 */
function inOnePiece(text: string): string {
  /^x/.test(text);
  return text;
}

function fieldWriter(messageName: string, field: FieldDescriptor): FieldWriter {
  const one = valueWriter(field.type);
  const isList = field.label === "repeated" && field.type.kind !== "MAP";
  const key = `${writeString(field.name)}:`;
  return {
    name: field.name,
    isRequired: field.label === "required",
    opening: `{${key}`,
    following: `,${key}`,
    kept: keptValues(messageName, field.name),
    write: isList ? listWriter(one) : one,
    unsetText: unsetText(messageName, field, { key, write: one }),
  };
}

function unsetText(
  messageName: string,
  field: FieldDescriptor,
  { key, write }: { readonly key: string; readonly write: Writer },
): string {
  const hasDefault = field.label === "optional" && field.fallback !== "" && !field.deprecated;
  if (hasDefault) return key + write(fallbackValue(field.type, field.fallback));
  return listsAlwaysWritten.get(messageName)?.includes(field.name) ? `${key}[]` : "";
}

/** The value that the table's text of an explicit default stands for. */
function fallbackValue(type: FieldType, text: string): unknown {
  if (type.kind === "ENUM") return text;
  assert(type.kind === "SCALAR", "only scalars and enums have defaults");
  switch (type.scalar) {
    case "string":
      return text;
    case "bool":
      return text === "true";
    case "double":
    case "int32":
    case "uint32":
      return Number(text);
    case "int64":
    case "uint64":
      return BigInt(text);
    case "bytes":
      return assert(false, "no bytes field has a default");
    default:
      return unreachable(type.scalar);
  }
}

function listWriter(writeOne: Writer): Writer {
  return (value) => {
    assert(Array.isArray(value), "a repeated field is a list");
    if (value.length === 0) return "";
    let elements = "";
    for (const element of value) elements += (elements === "" ? "[" : ",") + writeOne(element);
    return `${elements}]`;
  };
}

function mapWriter(writeOne: Writer): Writer {
  return (value) => {
    assert(isObject(value), "a map is an object");
    let members = "";
    for (const key of Object.keys(value)) {
      if (value[key] === undefined) continue;
      members += `${members === "" ? "{" : ","}${writeString(key)}:${writeOne(value[key])}`;
    }
    return members === "" ? "" : `${members}}`;
  };
}

function valueWriter(type: FieldType): Writer {
  switch (type.kind) {
    case "SCALAR":
      return scalarWriter(type.scalar);
    case "ENUM":
      return enumWriter(type);
    case "MESSAGE":
      return messageWriter(type.name);
    case "MAP":
      return mapWriter(valueWriter(type.value));
    default:
      return unreachable(type);
  }
}

function enumWriter(type: Extract<FieldType, { kind: "ENUM" }>): Writer {
  const texts = new Map<unknown, string>();
  for (const name of type.numbers.keys()) texts.set(name, writeString(name));
  return (value) => defined(texts.get(value), `an enum field holds a name of ${type.name}`);
}

function scalarWriter(scalar: ScalarName): Writer {
  switch (scalar) {
    case "string":
      return writeString;
    case "bytes":
      return writeBytes;
    case "bool":
      return writeBool;
    case "double":
      return writeDouble;
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return integerWriter(scalar);
    default:
      return unreachable(scalar);
  }
}

/**
 * Half a surrogate pair, which no UTF-8 can carry, leaves as U+FFFD: the platform's `TextEncoder`
 * would write it so as well, and a reader would refuse its escape.
 */
export function writeString(value: unknown): string {
  assert(typeof value === "string", "a string field holds a string");
  const text = JSON.stringify(value);
  // Only half surrogates are escaped with "\ud"; only escapes make the text longer.
  const isSuspect = text.length > value.length + 2 && text.includes("\\ud");
  return isSuspect ? JSON.stringify(value.replace(/\p{Surrogate}/gu, "\ufffd")) : text;
}

function writeBytes(value: unknown): string {
  assert(value instanceof Uint8Array, "a bytes field holds a Uint8Array");
  return `"${encodeBase64(value)}"`;
}

function writeBool(value: unknown): string {
  assert(typeof value === "boolean", "a bool field holds a boolean");
  return value ? "true" : "false";
}

/**
 * The shortest text that keeps the value, which both JavaScript and Mesos print; Mesos marks it as
 * a double ("4.0") and writes exponents without plus ("1e21"). Infinities are bare, which is no
 * legal JSON.
 */
export function writeDouble(value: unknown): string {
  assert(typeof value === "number" && !Number.isNaN(value), "a double field holds a number");
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  if (Number.isInteger(value) && !text.includes("e")) return `${text}.0`;
  return text.replace("e+", "e");
}

function integerWriter(type: keyof typeof INTEGER_RANGES): Writer {
  const [smallest, largest] = INTEGER_RANGES[type];
  const isWide = type === "int64" || type === "uint64";
  const fact = `a field of type ${type} holds ${isWide ? "a bigint" : "an integer"} in its range`;
  return (value) => {
    const isKind = isWide ? typeof value === "bigint" : Number.isInteger(value);
    assert(isKind && isNumeric(value) && value >= smallest && value <= largest, fact);
    return String(value);
  };
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
