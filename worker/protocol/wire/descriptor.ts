/**
 * The descriptors of `../descriptors.ts` in the form that encoders compile from: types resolved,
 * defaults parsed. Nothing here knows an encoding: `json-*.ts` and `protobuf-*.ts` do.
 *
 * Canonical form of a message in memory: an unset field and an empty list or map are absent
 * properties; `bigint` for 64-bit integers, `number` for the others (finite or infinite, no NaN),
 * `Uint8Array` for bytes, the value's name for enums.
 */
import { assert, defined } from "../../std/assert.ts";
import { enumRows, type FieldRow, messageRows } from "../descriptors.ts";

export type ScalarName =
  | "string"
  | "bytes"
  | "bool"
  | "double"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64";

export type FieldType =
  | { readonly kind: "SCALAR"; readonly scalar: ScalarName }
  | { readonly kind: "ENUM"; readonly name: string; readonly numbers: ReadonlyMap<string, number> }
  | { readonly kind: "MESSAGE"; readonly name: string }
  /** Keys are strings: no message has a map with other keys. */
  | { readonly kind: "MAP"; readonly value: FieldType };

export interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly type: FieldType;
  readonly label: "required" | "optional" | "repeated";
  /** Text of the explicit default; "" when there is none. */
  readonly fallback: string;
  readonly deprecated: boolean;
}

export interface MessageDescriptor {
  readonly name: string;
  /** In the order of their declaration. */
  readonly fields: readonly FieldDescriptor[];
}

const descriptors = new Map<string, MessageDescriptor>();

/** `name`: full name of a message of the tables. */
export function messageDescriptor(name: string): MessageDescriptor {
  let descriptor = descriptors.get(name);
  if (descriptor === undefined) {
    const rows = defined(messageRows[name], `${name} is a message of the wire tables`);
    descriptor = { name, fields: rows.map(fieldDescriptor) };
    descriptors.set(name, descriptor);
  }
  return descriptor;
}

function fieldDescriptor(row: FieldRow): FieldDescriptor {
  const [name, number, typeText, label, fallback, deprecated] = row;
  assert(!(name in {}), `no object inherits a property called ${name}`);
  return { name, number, type: fieldType(typeText), label, fallback, deprecated };
}

function fieldType(text: string): FieldType {
  const [kind, target = ""] = text.split(":");
  switch (kind) {
    case "message":
      assert(target in messageRows, `${target} is a message of the wire tables`);
      return { kind: "MESSAGE", name: target };
    case "enum": {
      const rows = defined(enumRows[target], `${target} is an enum of the wire tables`);
      return { kind: "ENUM", name: target, numbers: new Map(Object.entries(rows)) };
    }
    case "map": {
      const [key, value] = defined(messageRows[target], `${target} is a map entry of the tables`);
      assert(key?.[2] === "string", `the keys of ${target} are strings`);
      return { kind: "MAP", value: fieldType(defined(value, `${target} has a value`)[2]) };
    }
    default:
      return { kind: "SCALAR", scalar: scalarName(text) };
  }
}

function scalarName(text: string): ScalarName {
  switch (text) {
    case "string":
    case "bytes":
    case "bool":
    case "double":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return text;
    default:
      assert(false, `${text} is a scalar type`);
  }
}

/** Smallest and largest value of each integer type, both included. */
export const INTEGER_RANGES = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;
