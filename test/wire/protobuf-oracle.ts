/**
 * Binary protobuf as @bufbuild/protobuf reads and writes it: an independent opinion about what our
 * codec does. Its descriptors are made here from the wire tables, one file without a package, with
 * underscores for the dots of full names.
 */
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import { enumRows, type FieldRow, messageRows } from "../../worker/protocol/descriptors.ts";
import { defined } from "../../worker/std/assert.ts";

const labels = {
  optional: FieldDescriptorProto_Label.OPTIONAL,
  required: FieldDescriptorProto_Label.REQUIRED,
  repeated: FieldDescriptorProto_Label.REPEATED,
};

const types: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  message: FieldDescriptorProto_Type.MESSAGE,
  map: FieldDescriptorProto_Type.MESSAGE,
  enum: FieldDescriptorProto_Type.ENUM,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  bool: FieldDescriptorProto_Type.BOOL,
  double: FieldDescriptorProto_Type.DOUBLE,
  int32: FieldDescriptorProto_Type.INT32,
  uint32: FieldDescriptorProto_Type.UINT32,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
};

function flat(name: string): string {
  return name.replaceAll(".", "_");
}

function fieldProto([name, number, type, label]: FieldRow): FieldDescriptorProto {
  const [kind = "", target] = type.split(":");
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    label: labels[label],
    type: defined(types[kind], `${kind} is a type`),
    typeName: target === undefined ? "" : `.${flat(target)}`,
  });
}

const mapEntries = new Set(
  Object.values(messageRows).flatMap((rows) =>
    rows.flatMap(([, , type]) => (type.startsWith("map:") ? [type.slice(4)] : [])),
  ),
);

function messageProto([name, rows]: readonly [string, readonly FieldRow[]]): DescriptorProto {
  return create(DescriptorProtoSchema, {
    name: flat(name),
    field: rows.map(fieldProto),
    options: { mapEntry: mapEntries.has(name) },
  });
}

const file = create(FileDescriptorProtoSchema, {
  name: "wire.proto",
  syntax: "proto2",
  messageType: Object.entries(messageRows).map(messageProto),
  enumType: Object.entries(enumRows).map(([name, values]) =>
    create(EnumDescriptorProtoSchema, {
      name: flat(name),
      // Names of values are unique in a file.
      value: Object.entries(values).map(([value, number]) => ({
        name: `${flat(name)}__${value}`,
        number,
      })),
    }),
  ),
});
const registry = createFileRegistry(file, () => undefined);

export function oracleSchema(name: string): DescMessage {
  return defined(registry.getMessage(flat(name)), `${name} is a message of the tables`);
}

/** The oracle's own bytes of a message in our form. */
export function oracleEncode(name: string, message: object): Uint8Array {
  const schema = oracleSchema(name);
  return toBinary(schema, oracleMessage(schema, message));
}

/** What the oracle reads, in our form. Throws where it refuses. */
export function oracleDecode(name: string, bytes: Uint8Array): object {
  const schema = oracleSchema(name);
  return ourMessage(schema, fromBinary(schema, bytes));
}

/** A message in our form as one of the oracle's. */
export function oracleMessage(schema: DescMessage, message: object): Message {
  const values = new Map<string, unknown>(Object.entries(message));
  const init: Record<string, unknown> = {};
  for (const field of schema.fields) {
    const value = values.get(field.name);
    if (value !== undefined) init[field.localName] = oracleValue(field, value);
  }
  return create(schema, init);
}

function oracleValue(field: DescField, value: unknown): unknown {
  const one = (each: unknown): unknown => {
    if (field.message !== undefined) return oracleMessage(field.message, Object(each));
    if (field.enum === undefined) return each;
    const name = `${field.enum.name}__${String(each)}`;
    return defined(
      field.enum.values.find((known) => known.name === name),
      name,
    ).number;
  };
  if (field.fieldKind === "map") return mapValues(Object(value), one);
  return Array.isArray(value) ? value.map(one) : one(value);
}

function ourMessage(schema: DescMessage, message: Message): object {
  if (message.$unknown !== undefined) throw new Error(`unknown fields in a ${schema.name}`);
  const values = new Map<string, unknown>(Object.entries(message));
  const reflected = reflect(schema, message);
  const ours: Record<string, unknown> = {};
  for (const field of schema.fields) {
    if (!reflected.isSet(field)) continue;
    ours[field.name] = ourValue(field, values.get(field.localName));
  }
  return ours;
}

function ourValue(field: DescField, value: unknown): unknown {
  const one = (each: unknown): unknown => {
    if (field.message !== undefined) return ourMessage(field.message, Object(each));
    if (field.enum === undefined) return each;
    const known = field.enum.values.find(({ number }) => number === each);
    return defined(known, "a known number").name.replace(/^.*__/, "");
  };
  if (field.fieldKind === "map") return mapValues(Object(value), one);
  return Array.isArray(value) ? value.map(one) : one(value);
}

function mapValues(map: object, one: (each: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(map).map(([key, each]) => [key, one(each)]));
}
