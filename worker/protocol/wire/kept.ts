/**
 * Parts of messages whose encoding is kept: what never changes and is written again and again, as
 * the agent's part of every offer of it.
 *
 * A kept value is an ordinary value of its field, so nobody who reads messages notices. Both
 * encoders write it once and repeat the text or the bytes for as long as the value is in memory. It
 * is found by identity and by the field that it was kept for: a copy of it is encoded as anything
 * else. Fields for which nothing was ever kept cost nothing.
 */
import type { MessageName, Messages } from "../descriptors.ts";

export interface KeptEncoding {
  /** The value, without the field's key. */
  json: string | undefined;
  /** The whole field, tags included. */
  protobuf: Uint8Array | undefined;
}

/** What is kept for one field. */
export interface KeptValues {
  /** Undefined until something is kept. */
  encodings: WeakMap<object, KeptEncoding> | undefined;
}

const valuesOfFields = new Map<string, KeptValues>();

/** Fields of a message that are messages, lists or maps. */
type KeptField<M> = {
  [F in keyof M]-?: NonNullable<M[F]> extends object ? F : never;
}[keyof M] &
  string;

/**
 * Says that `value` never changes, not even deep inside, and is going to be the value of this field
 * in many messages. Returns it.
 */
export function keepEncoded<
  N extends MessageName,
  F extends KeptField<Messages[N]>,
  V extends Messages[N][F] & object,
>(name: N, field: F, value: V): V {
  const kept = keptValues(name, field);
  kept.encodings ??= new WeakMap();
  if (!kept.encodings.has(value)) {
    kept.encodings.set(value, { json: undefined, protobuf: undefined });
  }
  return value;
}

/** For the encoders: where they look for values of this field. */
export function keptValues(name: string, field: string): KeptValues {
  const key = `${name}.${field}`;
  let kept = valuesOfFields.get(key);
  if (kept === undefined) {
    kept = { encodings: undefined };
    valuesOfFields.set(key, kept);
  }
  return kept;
}
