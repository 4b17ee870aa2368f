/**
 * JSON values to messages, by closures that are compiled once per message from its descriptor.
 *
 * A reader returns the value for the message, or `undefined` when there is nothing to keep: the
 * field is unset in effect (an unknown name of an optional enum), or `state.error` has been set.
 * The first mistake stops the decoding. Missing required fields are collected instead, so that one
 * answer names them all; they count only when nothing worse was found, as in Mesos.
 */
import { unreachable } from "../../std/assert.ts";
import { decodeBase64 } from "./base64.ts";
import type { DecodeError } from "./decode-error.ts";
import { type MissingFields, type PathStep, pathText, quoted } from "./decode-path.ts";
import {
  type FieldDescriptor,
  type FieldType,
  INTEGER_RANGES,
  messageDescriptor,
  type ScalarName,
} from "./descriptor.ts";

export interface DecodeState {
  readonly path: PathStep[];
  readonly missing: MissingFields;
  error: DecodeError | undefined;
}

type Reader = (value: unknown, state: DecodeState) => unknown;

interface FieldReader {
  readonly name: string;
  readonly isRequired: boolean;
  readonly read: Reader;
}

const readers = new Map<string, Reader>();

/** The reader of a message, compiled when it is first needed. */
export function messageReader(name: string): Reader {
  const known = readers.get(name);
  if (known !== undefined) return known;
  // The fields are compiled at the first use, so that messages may contain themselves.
  let fields: readonly FieldReader[] | undefined;
  const reader: Reader = (value, state) => {
    fields ??= messageDescriptor(name).fields.map(fieldReader);
    return readMessage(fields, value, state);
  };
  readers.set(name, reader);
  return reader;
}

function readMessage(fields: readonly FieldReader[], value: unknown, state: DecodeState): unknown {
  if (!isObject(value)) return wrongType("object", value, state);
  for (const field of fields) {
    if (field.isRequired && (value[field.name] ?? null) === null)
      state.missing.note(state.path, field.name);
  }
  const message: Record<string, unknown> = {};
  for (const { name, read } of fields) {
    const found = value[name] ?? null;
    if (found === null) continue;
    state.path.push(name);
    const kept = read(found, state);
    if (state.error !== undefined) return undefined;
    state.path.pop();
    if (kept !== undefined) message[name] = kept;
  }
  return message;
}

function fieldReader(field: FieldDescriptor): FieldReader {
  const isRequired = field.label === "required";
  const one = valueReader(field.type, { isRequired });
  const isList = field.label === "repeated" && field.type.kind !== "MAP";
  return { name: field.name, isRequired, read: isList ? listReader(one) : one };
}

/**
 * A lone value is a list of one; `null` in a list is nothing, as everywhere. An empty list is
 * unset.
 */
function listReader(readOne: Reader): Reader {
  return (value, state) => {
    const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
    const list: unknown[] = [];
    for (let index = 0; index < elements.length; index++) {
      if (elements[index] === null) continue;
      state.path.push(index);
      const kept = readOne(elements[index], state);
      if (state.error !== undefined) return undefined;
      state.path.pop();
      if (kept !== undefined) list.push(kept);
    }
    return list.length > 0 ? list : undefined;
  };
}

function valueReader(type: FieldType, options: { readonly isRequired: boolean }): Reader {
  switch (type.kind) {
    case "SCALAR":
      return scalarReader(type.scalar);
    case "ENUM":
      return enumReader(type, options);
    case "MESSAGE":
      return messageReader(type.name);
    case "MAP":
      return mapReader(valueReader(type.value, { isRequired: false }));
    default:
      return unreachable(type);
  }
}

/** An empty map is unset. */
function mapReader(readOne: Reader): Reader {
  return (value, state) => {
    if (!isObject(value)) return wrongType("object", value, state);
    const map: Record<string, unknown> = {};
    let isEmpty = true;
    for (const key of Object.keys(value)) {
      if (key === "__proto__") {
        return refuse({ code: "MAP_KEY_REFUSED", path: pathText(state.path), key }, state);
      }
      if (!isWellFormed(key))
        return refuse({ code: "TEXT_MALFORMED", path: pathText(state.path) }, state);
      if (value[key] === null) continue;
      state.path.push(key);
      const kept = readOne(value[key], state);
      if (state.error !== undefined) return undefined;
      state.path.pop();
      if (kept === undefined) continue;
      map[key] = kept;
      isEmpty = false;
    }
    return isEmpty ? undefined : map;
  };
}

function enumReader(
  type: Extract<FieldType, { kind: "ENUM" }>,
  options: { readonly isRequired: boolean },
): Reader {
  return (value, state) => {
    if (typeof value !== "string") return wrongType("string naming a value", value, state);
    if (type.numbers.has(value)) return value;
    if (!options.isRequired) return undefined;
    const text = quoted(value);
    return refuse(
      { code: "ENUM_UNKNOWN", path: pathText(state.path), enumName: type.name, text },
      state,
    );
  };
}

function scalarReader(scalar: ScalarName): Reader {
  switch (scalar) {
    case "string":
      return readString;
    case "bytes":
      return readBytes;
    case "bool":
      return readBool;
    case "double":
      return readDouble;
    case "int32":
    case "uint32":
      return (value, state) => {
        const integer = readInteger(scalar, value, state);
        return integer === undefined ? undefined : Number(integer);
      };
    case "int64":
    case "uint64":
      return (value, state) => {
        const integer = readInteger(scalar, value, state);
        return integer === undefined ? undefined : BigInt(integer);
      };
    default:
      return unreachable(scalar);
  }
}

function readString(value: unknown, state: DecodeState): string | undefined {
  if (typeof value !== "string") return wrongType("string", value, state);
  if (!isWellFormed(value))
    return refuse({ code: "TEXT_MALFORMED", path: pathText(state.path) }, state);
  return value;
}

function readBytes(value: unknown, state: DecodeState): Uint8Array | undefined {
  if (typeof value !== "string") return wrongType("string of base64", value, state);
  const decoded = decodeBase64(value);
  if (decoded.ok) return decoded.value;
  const character = decoded.error.code === "BAD_CHARACTER" ? decoded.error.character : "";
  return refuse({ code: "BASE64_MALFORMED", path: pathText(state.path), character }, state);
}

function readBool(value: unknown, state: DecodeState): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (value === "true") return true;
  if (value === "false") return false;
  return wrongType("boolean", value, state);
}

const NUMBER_TEXT = /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER_TEXT = /^[-+]?[0-9]+$/;
/** A text without leading zeros that is longer than this fits no integer type. */
const INTEGER_LENGTH = 20;

function readDouble(value: unknown, state: DecodeState): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "string") return wrongType("number", value, state);
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  const text = quoted(value);
  if (!NUMBER_TEXT.test(value)) {
    return refuse({ code: "NUMBER_MALFORMED", path: pathText(state.path), text }, state);
  }
  const number = Number(value);
  if (Number.isFinite(number)) return number;
  return refuse(
    { code: "NUMBER_OUT_OF_RANGE", path: pathText(state.path), type: "double", text },
    state,
  );
}

/** An integer in the range of `type`, as a number when it is safe and as a bigint otherwise. */
function readInteger(
  type: keyof typeof INTEGER_RANGES,
  value: unknown,
  state: DecodeState,
): number | bigint | undefined {
  const integer = typeof value === "string" ? integerOfText(value, state) : value;
  if (integer === undefined) return undefined;
  if (typeof integer !== "number" && typeof integer !== "bigint") {
    return wrongType("number", value, state);
  }
  const isBounded = integer !== Number.POSITIVE_INFINITY && integer !== Number.NEGATIVE_INFINITY;
  if (typeof integer === "number" && isBounded && !Number.isSafeInteger(integer)) {
    const text = quoted(String(value));
    return refuse({ code: "NUMBER_NOT_INTEGER", path: pathText(state.path), text }, state);
  }
  const [smallest, largest] = INTEGER_RANGES[type];
  if (integer < smallest || integer > largest) {
    const text = quoted(String(value));
    return refuse({ code: "NUMBER_OUT_OF_RANGE", path: pathText(state.path), type, text }, state);
  }
  // Turns -0 into 0.
  return typeof integer === "number" ? integer + 0 : integer;
}

function integerOfText(value: string, state: DecodeState): number | bigint | undefined {
  if (!NUMBER_TEXT.test(value)) {
    const text = quoted(value);
    return refuse({ code: "NUMBER_MALFORMED", path: pathText(state.path), text }, state);
  }
  if (!INTEGER_TEXT.test(value)) return Number(value);
  const digits = value.replace(/^([-+]?)0+(?=[0-9])/, "$1").replace("+", "");
  // Beyond every integer type: the caller refuses it, and nobody turns a million digits into a
  // bigint.
  return digits.length > INTEGER_LENGTH ? Number.POSITIVE_INFINITY : BigInt(digits);
}

/** A JSON object. Lists and bytes are none. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Only half surrogates match: with the `u` flag a pair is one character of another kind. */
const HALF_SURROGATE = /\p{Surrogate}/u;

function isWellFormed(text: string): boolean {
  return !HALF_SURROGATE.test(text);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return typeof value === "bigint" ? "number" : typeof value;
}

function wrongType(expected: string, value: unknown, state: DecodeState): undefined {
  return refuse(
    { code: "WRONG_TYPE", path: pathText(state.path), expected, found: kindOf(value) },
    state,
  );
}

function refuse(error: DecodeError, state: DecodeState): undefined {
  state.error ??= error;
  return undefined;
}
