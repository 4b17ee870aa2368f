/**
 * Binary protobuf to messages, by closures that are compiled once per message from its descriptor.
 *
 * As every proto2 parser: of a field that occurs twice the last value counts, of a message field
 * both are merged; lists may be packed or not; an unknown field, and a known one of another wire
 * type, is skipped. As our JSON: an unknown number of an optional enum is an unset one. An optional
 * NaN is an unset number as well: messages hold no NaN, which JSON could not say.
 *
 * Required fields are counted per part of a message. Only when one was missing, `required.ts` looks
 * through the whole, because a later part may have brought it.
 */
import { AssertionError, assert, unreachable } from "../../std/assert.ts";
import { type ByteReader, DELIMITED } from "./byte-reader.ts";
import {
  type FieldDescriptor,
  type FieldType,
  messageDescriptor,
  type ScalarName,
} from "./descriptor.ts";
import { wireType } from "./protobuf-encode.ts";

type Message = Record<string, unknown>;

/** Reads one value; undefined: there is nothing to keep, or `input.error` is set. */
type Reader = (input: ByteReader) => unknown;

/** Reads one occurrence of a field into the message. */
type FieldReader = (message: Message, input: ByteReader) => void;

interface Occurrence {
  /** A bit of its own when the field is required, otherwise 0. */
  readonly requiredBit: number;
  readonly read: FieldReader;
}

interface MessageReader {
  /** By tag. */
  readonly occurrences: readonly (Occurrence | undefined)[];
  /** The bits of all required fields. */
  readonly requiredBits: number;
}

/** Tags are indexes of an array; the highest field number of the protocol is 55. */
const NUMBER_MAX = 999;
const REQUIRED_MAX = 30;

/** Reads what is left of the innermost message into `message`. */
type ContentReader = FieldReader;
const readers = new Map<string, ContentReader>();

/** The reader of a message's content, compiled when it is first needed. */
export function contentReader(name: string): ContentReader {
  const known = readers.get(name);
  if (known !== undefined) return known;
  // The fields are compiled at the first use, so that messages may contain themselves.
  let compiled: MessageReader | undefined;
  const reader: ContentReader = (message, input) => {
    compiled ??= messageReader(messageDescriptor(name).fields);
    readContent(compiled, message, input);
  };
  readers.set(name, reader);
  return reader;
}

function readContent(
  { occurrences, requiredBits }: MessageReader,
  message: Message,
  input: ByteReader,
): void {
  let seen = 0;
  while (input.hasMore) {
    const tag = input.tag();
    const occurrence = occurrences[tag];
    if (occurrence === undefined) {
      input.skip(tag);
      continue;
    }
    seen |= occurrence.requiredBit;
    occurrence.read(message, input);
  }
  if (seen !== requiredBits) input.incomplete++;
}

function messageReader(fields: readonly FieldDescriptor[]): MessageReader {
  const occurrences: (Occurrence | undefined)[] = [];
  let requiredBits = 0;
  let requiredCount = 0;
  for (const field of fields) {
    assert(field.number <= NUMBER_MAX, `the number of ${field.name} is small`);
    const requiredBit = field.label === "required" ? 1 << requiredCount++ : 0;
    assert(requiredCount <= REQUIRED_MAX, "the required fields of a message fit into an integer");
    requiredBits |= requiredBit;
    const tag = field.number * 8 + wireType(field.type);
    occurrences[tag] = { requiredBit, read: fieldReader(field) };
    if (field.label === "repeated" && wireType(field.type) !== DELIMITED) {
      const read = packedReader(field);
      occurrences[field.number * 8 + DELIMITED] = { requiredBit, read };
    }
  }
  // Without holes, of which each would be looked for in the prototype.
  const byTag = Array.from({ length: occurrences.length }, (_, tag) => occurrences[tag]);
  return { occurrences: byTag, requiredBits };
}

function fieldReader(field: FieldDescriptor): FieldReader {
  const { name, type } = field;
  if (type.kind === "MAP") return mapReader(name, type.value);
  if (field.label === "repeated") return listReader(name, valueReader(field));
  if (type.kind === "MESSAGE") return mergingReader(name, contentReader(type.name));
  const read = valueReader(field);
  return (message, input) => {
    input.countValue();
    const value = read(input);
    if (input.error !== undefined) input.path.push(name);
    else if (value !== undefined) message[name] = value;
    // A number that says nothing takes back what was said before; an unknown name does not.
    else if (type.kind === "SCALAR") delete message[name];
  };
}

/** A later part of a message is merged into the earlier ones. */
function mergingReader(name: string, readContentOf: ContentReader): FieldReader {
  return (message, input) => {
    const known = message[name];
    const value: Message = isMessage(known) ? known : {};
    message[name] = value;
    readMessage(readContentOf, value, input);
    if (input.error !== undefined) input.path.push(name);
  };
}

function readMessage(readContentOf: ContentReader, message: Message, input: ByteReader): void {
  input.countValue();
  const outer = input.enter();
  readContentOf(message, input);
  input.leave(outer);
}

function listReader(name: string, read: Reader): FieldReader {
  return (message, input) => {
    input.countValue();
    const known = message[name];
    const value = read(input);
    const list: unknown[] = Array.isArray(known) ? known : [];
    if (input.error !== undefined) input.path.push(list.length, name);
    else if (value === undefined) return;
    else if (list.push(value) === 1) message[name] = list;
  };
}

/** A list of scalars or enums in one piece. */
function packedReader(field: FieldDescriptor): FieldReader {
  const readOne = listReader(field.name, valueReader(field));
  return (message, input) => {
    const outer = input.enter();
    while (input.hasMore) readOne(message, input);
    input.leave(outer);
    if (input.error !== undefined && input.path.length === 0) input.path.push(field.name);
  };
}

/** An entry is a message: field 1 is the key, field 2 the value; either may be left out. */
function mapReader(name: string, type: FieldType): FieldReader {
  const common = { label: "optional", fallback: "", deprecated: false } as const;
  const entryReader = messageReader([
    { name: "key", number: 1, type: { kind: "SCALAR", scalar: "string" }, ...common },
    { name: "value", number: 2, type, ...common },
  ]);
  const readEntry: ContentReader = (entry, input) => readContent(entryReader, entry, input);
  return (message, input) => {
    const entry: Message = {};
    readMessage(readEntry, entry, input);
    const key = typeof entry.key === "string" ? entry.key : "";
    if (key === "__proto__") input.fail({ code: "MAP_KEY_REFUSED", key });
    if (input.error !== undefined) {
      // A client knows a value by its key; whoever errs in the key, only the map.
      if (input.path.pop() === "value") input.path.push(key);
      input.path.push(name);
      return;
    }
    const known = message[name];
    const map = isMessage(known) ? known : {};
    map[key] = entry.value ?? emptyValue(type, input);
    message[name] = map;
  };
}

/** The value of an entry without one. */
function emptyValue(type: FieldType, input: ByteReader): unknown {
  if (type.kind === "MESSAGE") {
    input.incomplete++;
    return {};
  }
  assert(type.kind === "SCALAR" && type.scalar === "string", "maps hold messages or strings");
  return "";
}

function valueReader({ type, label }: FieldDescriptor): Reader {
  const isRequired = label === "required";
  switch (type.kind) {
    case "SCALAR":
      return type.scalar === "double" ? doubleReader({ isRequired }) : scalarReader(type.scalar);
    case "ENUM":
      return enumReader(type, { isRequired });
    case "MESSAGE": {
      const readContentOf = contentReader(type.name);
      return (input) => {
        const message: Message = {};
        // The list around it has counted it.
        const outer = input.enter();
        readContentOf(message, input);
        input.leave(outer);
        return message;
      };
    }
    case "MAP":
      throw new AssertionError("no list or map holds maps");
    default:
      return unreachable(type);
  }
}

function enumReader(
  type: Extract<FieldType, { kind: "ENUM" }>,
  options: { readonly isRequired: boolean },
): Reader {
  const names = new Map<number, string>();
  for (const [name, number] of type.numbers) names.set(number, name);
  return (input) => {
    const number = input.int32();
    const name = names.get(number);
    if (name === undefined && options.isRequired) {
      input.fail({ code: "ENUM_UNKNOWN", enumName: type.name, text: String(number) });
    }
    return name;
  };
}

function doubleReader(options: { readonly isRequired: boolean }): Reader {
  return (input) => {
    const value = input.double();
    if (!Number.isNaN(value)) return value;
    if (options.isRequired) input.fail({ code: "NUMBER_IS_NAN" });
    return undefined;
  };
}

function scalarReader(scalar: Exclude<ScalarName, "double">): Reader {
  switch (scalar) {
    case "string":
      return (input) => input.string();
    case "bytes":
      return (input) => input.bytes();
    case "bool":
      return (input) => input.bool();
    case "int32":
      return (input) => input.int32();
    case "uint32":
      return (input) => input.uint32();
    case "int64":
      return (input) => input.int64();
    case "uint64":
      return (input) => input.uint64();
    default:
      return unreachable(scalar);
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null;
}
