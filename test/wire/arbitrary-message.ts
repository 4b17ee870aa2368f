/** Arbitrary messages of every kind, made from the descriptors, in the canonical form. */
import fc from "fast-check";
import { type MessageName, messageRows } from "../../worker/protocol/descriptors.ts";
import {
  type FieldDescriptor,
  type FieldType,
  INTEGER_RANGES,
  messageDescriptor,
} from "../../worker/protocol/wire/descriptor.ts";

/** Deeper messages get no optional fields. */
const DEPTH = 4;

function fieldValue(type: FieldType, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "MESSAGE":
      return arbitraryMessage(type.name, depth - 1);
    case "ENUM":
      return fc.constantFrom(...type.numbers.keys());
    case "MAP": {
      const key = fc
        .string({ unit: "binary", maxLength: 5 })
        .filter((text) => text !== "__proto__");
      return fc.dictionary(key, fieldValue(type.value, depth), {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      });
    }
    case "SCALAR":
      return scalar(type.scalar);
  }
}

function scalar(name: Extract<FieldType, { kind: "SCALAR" }>["scalar"]): fc.Arbitrary<unknown> {
  switch (name) {
    case "string":
      return fc.string({ unit: "binary", maxLength: 12 });
    case "bytes":
      return fc.uint8Array({ maxLength: 20 });
    case "bool":
      return fc.boolean();
    case "double":
      return fc.double({ noNaN: true });
    case "int32":
    case "uint32": {
      const [min, max] = INTEGER_RANGES[name];
      return fc.integer({ min: Number(min), max: Number(max) });
    }
    case "int64":
    case "uint64": {
      const [min, max] = INTEGER_RANGES[name];
      return fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 2n ** 53n + 1n));
    }
  }
}

function field(descriptor: FieldDescriptor, depth: number): fc.Arbitrary<unknown> {
  const one = fieldValue(descriptor.type, depth);
  if (descriptor.label !== "repeated" || descriptor.type.kind === "MAP") return one;
  return fc.array(one, { minLength: 1, maxLength: 3 });
}

/** `depth`: how many levels of it may have optional fields. */
export function arbitraryMessage(
  name: string,
  depth = DEPTH,
): fc.Arbitrary<Record<string, unknown>> {
  const { fields } = messageDescriptor(name);
  const arbitraries: Record<string, fc.Arbitrary<unknown>> = {};
  for (const descriptor of fields) {
    if (depth > 0 || descriptor.label === "required") {
      arbitraries[descriptor.name] = fc.constant(0).chain(() => field(descriptor, depth));
    }
  }
  const requiredKeys = fields.filter(({ label }) => label === "required").map((each) => each.name);
  return fc.record(arbitraries, { requiredKeys, noNullPrototype: true });
}

/**
 * What the message is after a round trip through JSON: explicit defaults of unset fields are filled
 * in.
 */
export function withDefaults(name: string, value: Readonly<Record<string, unknown>>): unknown {
  const filled: Record<string, unknown> = {};
  for (const descriptor of messageDescriptor(name).fields) {
    const found = value[descriptor.name];
    if (found !== undefined) filled[descriptor.name] = fieldWithDefaults(descriptor.type, found);
    else if (
      descriptor.label === "optional" &&
      descriptor.fallback !== "" &&
      !descriptor.deprecated
    ) {
      filled[descriptor.name] = defaultOf(descriptor);
    }
  }
  return filled;
}

function fieldWithDefaults(type: FieldType, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => fieldWithDefaults(type, each));
  if (type.kind === "MESSAGE") return withDefaults(type.name, Object(value));
  if (type.kind !== "MAP") return value;
  const entries = Object.entries(Object(value));
  return Object.fromEntries(
    entries.map(([key, each]) => [key, fieldWithDefaults(type.value, each)]),
  );
}

function defaultOf({ type, fallback }: FieldDescriptor): unknown {
  if (type.kind !== "SCALAR" || type.scalar === "string") return fallback;
  return JSON.parse(fallback);
}

function isMessageName(name: string): name is MessageName {
  return !Object.values(messageRows).some((rows) =>
    rows.some(([, , type]) => type === `map:${name}`),
  );
}

/** All messages but the entries of maps, which are no messages of their own. */
export const messageNames = Object.keys(messageRows).filter(isMessageName);
