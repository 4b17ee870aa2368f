/**
 * Messages to binary protobuf, by closures that are compiled once per message from its descriptor.
 * Fields leave in the order of their numbers, repeated scalars unpacked, explicit defaults of unset
 * fields not at all.
 *
 * Everything is written from the back to the front (`byte-writer.ts`), so fields, lists and maps
 * are gone through backwards. A message that is not in the form of its type is a bug of ours and
 * fails an assertion.
 */
import { AssertionError, assert, defined, unreachable } from "../../std/assert.ts";
import { DELIMITED, FIXED_64, VARINT } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import {
  type FieldDescriptor,
  type FieldType,
  INTEGER_RANGES,
  messageDescriptor,
  type ScalarName,
} from "./descriptor.ts";
import { type KeptValues, keptValues } from "./kept.ts";

/** Writes a value: with its length where it has one, without a tag. */
type Writer = (value: unknown, out: ByteWriter) => void;

interface FieldWriter {
  readonly name: string;
  readonly isRequired: boolean;
  readonly kept: KeptValues;
  /** Tags included. */
  readonly write: Writer;
}

/** Writers of the content of a message, without its length. */
const writers = new Map<string, Writer>();

/** The writer of a message without its length, compiled when it is first needed. */
export function messageWriter(name: string): Writer {
  const known = writers.get(name);
  if (known !== undefined) return known;
  // The fields are compiled at the first use, so that messages may contain themselves.
  let fields: readonly FieldWriter[] | undefined;
  const writer: Writer = (value, out) => {
    fields ??= fieldWriters(name);
    assert(isObject(value), "a message is an object");
    writeMessage(name, fields, value, out);
  };
  writers.set(name, writer);
  return writer;
}

function fieldWriters(name: string): readonly FieldWriter[] {
  return messageDescriptor(name)
    .fields.toSorted((one, other) => other.number - one.number)
    .map((field) => fieldWriter(name, field));
}

function writeMessage(
  name: string,
  fields: readonly FieldWriter[],
  message: Readonly<Record<string, unknown>>,
  out: ByteWriter,
): void {
  for (const field of fields) {
    const value = message[field.name];
    if (value === undefined) {
      if (!field.isRequired) continue;
      throw new AssertionError(`${name}.${field.name} is set, because it is required`);
    }
    const { encodings } = field.kept;
    if (encodings === undefined || typeof value !== "object" || value === null) {
      field.write(value, out);
      continue;
    }
    const encoding = encodings.get(value);
    if (encoding?.protobuf !== undefined) {
      out.bytes(encoding.protobuf);
      continue;
    }
    const before = out.length;
    field.write(value, out);
    if (encoding !== undefined) encoding.protobuf = out.copy(out.length - before);
  }
}

function fieldWriter(messageName: string, field: FieldDescriptor): FieldWriter {
  return {
    name: field.name,
    isRequired: field.label === "required",
    kept: keptValues(messageName, field.name),
    write: taggedWriter(field),
  };
}

function taggedWriter({ number, type, label }: FieldDescriptor): Writer {
  const tag = number * 8 + wireType(type);
  if (type.kind === "MAP") return mapWriter(tag, type.value);
  const write = valueWriter(type);
  const writeTagged: Writer = (value, out) => {
    write(value, out);
    out.uint32(tag);
  };
  return label === "repeated" ? listWriter(writeTagged) : writeTagged;
}

function listWriter(writeTagged: Writer): Writer {
  return (value, out) => {
    assert(Array.isArray(value), "a repeated field is a list");
    for (let index = value.length - 1; index >= 0; index--) writeTagged(value[index], out);
  };
}

/** A map is a list of entries: messages whose field 1 is the key and whose field 2 is the value. */
function mapWriter(tag: number, type: FieldType): Writer {
  const write = valueWriter(type);
  const keyTag = 8 + DELIMITED;
  const valueTag = 16 + wireType(type);
  return (value, out) => {
    assert(isObject(value), "a map is an object");
    for (const key of Object.keys(value).toReversed()) {
      if (value[key] === undefined) continue;
      const before = out.length;
      write(value[key], out);
      out.uint32(valueTag);
      out.string(key);
      out.uint32(keyTag);
      out.uint32(out.length - before);
      out.uint32(tag);
    }
  };
}

function valueWriter(type: FieldType): Writer {
  switch (type.kind) {
    case "SCALAR":
      return scalarWriter(type.scalar);
    case "ENUM":
      return enumWriter(type);
    case "MESSAGE":
      return delimitedWriter(messageWriter(type.name));
    case "MAP":
      throw new AssertionError("no list or map holds maps");
    default:
      return unreachable(type);
  }
}

function delimitedWriter(write: Writer): Writer {
  return (value, out) => {
    const before = out.length;
    write(value, out);
    out.uint32(out.length - before);
  };
}

function enumWriter(type: Extract<FieldType, { kind: "ENUM" }>): Writer {
  const numbers: ReadonlyMap<unknown, number> = type.numbers;
  const fact = `an enum field holds a name of ${type.name}`;
  return (value, out) => out.int32(defined(numbers.get(value), fact));
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
      return integer32Writer(scalar);
    case "int64":
    case "uint64":
      return integer64Writer(scalar);
    default:
      return unreachable(scalar);
  }
}

function writeString(value: unknown, out: ByteWriter): void {
  assert(typeof value === "string", "a string field holds a string");
  out.string(value);
}

function writeBytes(value: unknown, out: ByteWriter): void {
  assert(value instanceof Uint8Array, "a bytes field holds a Uint8Array");
  out.bytes(value);
  out.uint32(value.length);
}

function writeBool(value: unknown, out: ByteWriter): void {
  assert(typeof value === "boolean", "a bool field holds a boolean");
  out.uint32(value ? 1 : 0);
}

function writeDouble(value: unknown, out: ByteWriter): void {
  assert(typeof value === "number" && !Number.isNaN(value), "a double field holds a number");
  out.double(value);
}

function integer32Writer(type: "int32" | "uint32"): Writer {
  const [smallest, largest] = INTEGER_RANGES[type].map(Number);
  assert(smallest !== undefined && largest !== undefined, "a range has two ends");
  const fact = `a field of type ${type} holds an integer in its range`;
  return (value, out) => {
    assert(typeof value === "number" && Number.isInteger(value), fact);
    assert(value >= smallest && value <= largest, fact);
    if (value < 0) out.int32(value);
    else out.uint32(value);
  };
}

function integer64Writer(type: "int64" | "uint64"): Writer {
  const [smallest, largest] = INTEGER_RANGES[type];
  const fact = `a field of type ${type} holds a bigint in its range`;
  return (value, out) => {
    assert(typeof value === "bigint" && value >= smallest && value <= largest, fact);
    out.integer64(value);
  };
}

/** The wire type that a value of this type is written with. */
export function wireType(type: FieldType): number {
  if (type.kind === "MESSAGE" || type.kind === "MAP") return DELIMITED;
  if (type.kind === "ENUM") return VARINT;
  switch (type.scalar) {
    case "string":
    case "bytes":
      return DELIMITED;
    case "double":
      return FIXED_64;
    case "bool":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return VARINT;
    default:
      return unreachable(type.scalar);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
