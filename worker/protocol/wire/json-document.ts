/**
 * JSON text put together by hand, as the documents of masters and agents need it: whether a number
 * is a double ("4.0") or an integer is said where it is written, and messages go in as the codec
 * writes them.
 */

import type { Brand } from "../../std/brand.ts";
import type { MessageName, Messages } from "../descriptors.ts";
import { encodeJson } from "./json.ts";
import { writeDouble, writeString } from "./json-encode.ts";

/** A JSON value as text. Made by the functions of this file only. */
export type JsonText = Brand<string, "JsonText">;

/** In the order of the keys; what is undefined is left out. */
export function object(members: Members): JsonText {
  const texts: string[] = [];
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) texts.push(`${writeString(name)}:${value}`);
  }
  return `{${texts.join(",")}}` as JsonText;
}

/** Members of an object, before it is one. */
export type Members = Readonly<Record<string, JsonText | undefined>>;

export function list(elements: readonly JsonText[]): JsonText {
  return `[${elements.join(",")}]` as JsonText;
}

export function string(value: string): JsonText {
  return writeString(value) as JsonText;
}

export function strings(values: Iterable<string>): JsonText {
  return list([...values].map(string));
}

/** Always with a fraction: "4.0". */
export function double(value: number): JsonText {
  return writeDouble(value) as JsonText;
}

/** A time as the documents tell it: seconds since 1970. */
export function seconds(ms: number): JsonText {
  return double(ms / 1_000);
}

export function integer(value: number): JsonText {
  return String(value) as JsonText;
}

export function boolean(value: boolean): JsonText {
  return String(value) as JsonText;
}

export function message<N extends MessageName>(name: N, value: Messages[N]): JsonText {
  return encodeJson(name, value) as JsonText;
}

export function messages<N extends MessageName>(name: N, values: readonly Messages[N][]): JsonText {
  return list(values.map((value) => message(name, value)));
}
