/**
 * Protobuf without its description: which field numbers there are, and of which wire type. What can
 * be read as a message is taken for one.
 */
import type { Difference } from "./compare.ts";

export function compareProtobuf(recorded: Buffer, live: Buffer): readonly Difference[] {
  const [expected, got] = [recorded, live].map((bytes) => fieldsOf(bytes, ""));
  if (expected === undefined || got === undefined) return ["body: not protobuf"];
  const missing = [...expected].filter((field) => !got.has(field));
  const extra = [...got].filter((field) => !expected.has(field));
  return [
    ...missing.map((field) => `body field ${field}: missing`),
    ...extra.map((field) => `body field ${field}: not in Mesos' answer`),
  ];
}

/** Paths of field numbers with their wire types; undefined when `bytes` are no message. */
function fieldsOf(bytes: Buffer, path: string): Set<string> | undefined {
  const fields = new Set<string>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (!(number > 0 && number < 1_000)) return undefined;
    const name = `${path}${number}`;
    if (wireType === 0) {
      if (Number.isNaN(varint())) return undefined;
    } else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else if (wireType === 2) {
      const length = varint();
      const value = bytes.subarray(at, at + length);
      if (value.length !== length) return undefined;
      at += length;
      const isText = length > 0 && value.every((byte) => byte >= 0x20 && byte < 0x7f);
      for (const field of (isText ? undefined : fieldsOf(value, `${name}.`)) ?? []) {
        fields.add(field);
      }
    } else return undefined;
    if (at > bytes.length) return undefined;
    fields.add(`${name}:${wireType}`);
  }
  return fields;
}
