/**
 * Messages too long to be made at once: a short frame around lists whose elements are made one by
 * one, while they are encoded. Both encoders are generators, so whoever pulls decides when to go
 * on.
 *
 * What comes out are the pieces of exactly what `encodeJson` and `encodeProtobuf` would make of the
 * whole message. In protobuf the length of a message stands in front of it, so its elements are
 * made twice: a source of elements has to give the same ones each time.
 */
import { assert, defined, unreachable } from "../../std/assert.ts";
import type { MessageName, Messages } from "../descriptors.ts";
import { ByteWriter } from "./byte-writer.ts";
import { messageDescriptor } from "./descriptor.ts";
import { messageWriter as jsonWriter, writeString } from "./json-encode.ts";
import { messageWriter as protobufWriter } from "./protobuf-encode.ts";
import { utf8Length } from "./utf8.ts";

/** A message of one type. Made by `longMessage`. */
export interface LongMessage<N extends MessageName = MessageName> {
  readonly name: N;
  /** In the order of the fields' declaration. */
  readonly parts: readonly LongPart[];
}

/**
 * The elements of a list, from the start each time. Undefined is no element: work was done, and
 * here the reader may pause.
 */
export type Elements<E> = () => Iterable<E | undefined>;

type LongPart =
  | { readonly kind: "FIELDS"; readonly fields: object }
  | {
      readonly kind: "LIST";
      readonly field: string;
      readonly elements: Elements<object>;
      /** In JSON; in protobuf a list without elements has no bytes. */
      readonly whenEmpty: "WRITTEN" | "LEFT_OUT";
    }
  | { readonly kind: "MESSAGE"; readonly field: string; readonly message: LongMessage };

type ElementOf<L> = NonNullable<L> extends readonly (infer E)[] ? E : never;

/** Ways to say a part of the message `name`. */
export interface LongParts<N extends MessageName> {
  /** Fields that are short, as they are in an ordinary message. */
  fields(fields: Partial<Messages[N]>): LongPart;
  /** Written in JSON also when it is empty. */
  list<F extends keyof Messages[N] & string>(
    field: F,
    elements: Elements<ElementOf<Messages[N][F]>>,
  ): LongPart;
  /** Left out when it is empty, as in ordinary messages. */
  listIfAny<F extends keyof Messages[N] & string>(
    field: F,
    elements: Elements<ElementOf<Messages[N][F]>>,
  ): LongPart;
  message<F extends keyof Messages[N] & string>(field: F, message: LongMessage): LongPart;
}

export function longMessage<N extends MessageName>(
  name: N,
  parts: (of: LongParts<N>) => readonly LongPart[],
): LongMessage<N> {
  // The elements of a list of messages are objects.
  const list = (field: string, elements: unknown) =>
    ({ kind: "LIST", field, elements: elements as Elements<object> }) as const;
  return {
    name,
    parts: parts({
      fields: (fields) => ({ kind: "FIELDS", fields }),
      list: (field, elements) => ({ ...list(field, elements), whenEmpty: "WRITTEN" }),
      listIfAny: (field, elements) => ({ ...list(field, elements), whenEmpty: "LEFT_OUT" }),
      message: (field, message) => ({ kind: "MESSAGE", field, message }),
    }),
  };
}

/** The text, piece by piece; "" where nothing came of some work. */
export function* jsonPieces(message: LongMessage): Generator<string> {
  let opening = "{";
  for (const part of message.parts) {
    switch (part.kind) {
      case "FIELDS": {
        const text = jsonWriter(message.name)(part.fields);
        yield opening + text.slice(1, -1);
        break;
      }
      case "LIST": {
        const key = `${opening}${writeString(part.field)}:`;
        const isWritten = yield* listPieces(key, message, part);
        if (!isWritten) continue;
        break;
      }
      case "MESSAGE":
        yield `${opening}${writeString(part.field)}:`;
        yield* jsonPieces(part.message);
        break;
      default:
        unreachable(part);
    }
    opening = ",";
  }
  yield opening === "{" ? "{}" : "}";
}

/** Whether anything was written. */
function* listPieces(
  key: string,
  message: LongMessage,
  { field, elements, whenEmpty }: Extract<LongPart, { readonly kind: "LIST" }>,
): Generator<string, boolean> {
  const write = jsonWriter(elementName(message, field));
  const first = `${key}[`;
  let opening = first;
  for (const element of elements()) {
    if (element === undefined) {
      yield "";
      continue;
    }
    yield opening + write(element);
    opening = ",";
  }
  if (opening === first && whenEmpty === "LEFT_OUT") return false;
  yield opening === first ? `${first}]` : "]";
  return true;
}

/** Bytes that the text has in UTF-8. Yields where the reader may pause. */
export function* jsonLength(message: LongMessage): Generator<undefined, number> {
  let length = 0;
  for (const piece of jsonPieces(message)) {
    length += utf8Length(piece);
    yield;
  }
  return length;
}

/** Lengths of a message and of the long messages in it, in the order of their beginning. */
export type Lengths = readonly number[];

/** The first pass. Yields where the reader may pause. */
export function* protobufLengths(message: LongMessage): Generator<undefined, Lengths> {
  let own = 0;
  const inner: number[] = [];
  for (const part of partsByNumber(message)) {
    switch (part.kind) {
      case "FIELDS":
        own += encoded(message.name, part.fields).length;
        break;
      case "LIST": {
        const write = elementWriter(message, part.field);
        for (const element of part.elements()) {
          if (element !== undefined) own += write(element).length;
          yield;
        }
        break;
      }
      case "MESSAGE": {
        const lengths = yield* protobufLengths(part.message);
        const length = defined(lengths[0], "a message has its own length first");
        own += head(message, part.field, length).length + length;
        inner.push(...lengths);
        break;
      }
      default:
        unreachable(part);
    }
  }
  return [own, ...inner];
}

/** The second pass: the bytes, without a length in front of the whole. */
export function protobufPieces(message: LongMessage, lengths: Lengths): Generator<Uint8Array> {
  return piecesIn(message, lengths.slice(1).values());
}

function* piecesIn(message: LongMessage, lengths: Iterator<number>): Generator<Uint8Array> {
  for (const part of partsByNumber(message)) {
    switch (part.kind) {
      case "FIELDS":
        yield encoded(message.name, part.fields);
        break;
      case "LIST": {
        const write = elementWriter(message, part.field);
        for (const element of part.elements()) yield element ? write(element) : NOTHING;
        break;
      }
      case "MESSAGE": {
        const { value } = lengths.next();
        yield head(message, part.field, defined(value, "the first pass has counted every message"));
        yield* piecesIn(part.message, lengths);
        break;
      }
      default:
        unreachable(part);
    }
  }
}

/** Short fields of one part have to be neighbours by number, too. */
function partsByNumber(message: LongMessage): readonly LongPart[] {
  const numberOf = (part: LongPart): number => {
    const field = part.kind === "FIELDS" ? Object.keys(part.fields)[0] : part.field;
    return field === undefined ? 0 : descriptorOf(message, field).number;
  };
  return message.parts.toSorted((a, b) => numberOf(a) - numberOf(b));
}

const NOTHING = new Uint8Array();

function encoded(name: MessageName, fields: object): Uint8Array {
  const out = new ByteWriter();
  protobufWriter(name)(fields, out);
  return out.copy(out.length);
}

/** Writes an element with its tag and length. */
function elementWriter(message: LongMessage, field: string): (element: object) => Uint8Array {
  const write = protobufWriter(elementName(message, field));
  const tag = tagOf(message, field);
  // One for all elements: what it has written stays in front of what comes next.
  let out = new ByteWriter();
  return (element) => {
    if (out.length > 100_000) out = new ByteWriter();
    const before = out.length;
    write(element, out);
    out.uint32(out.length - before);
    out.uint32(tag);
    return out.copy(out.length - before);
  };
}

function head(message: LongMessage, field: string, length: number): Uint8Array {
  const out = new ByteWriter();
  out.uint32(length);
  out.uint32(tagOf(message, field));
  return out.copy(out.length);
}

/** Of a field that is written with its length. */
function tagOf(message: LongMessage, field: string): number {
  return descriptorOf(message, field).number * 8 + 2;
}

function elementName(message: LongMessage, field: string): string {
  const { type } = descriptorOf(message, field);
  assert(type.kind === "MESSAGE", `${field} holds messages`);
  return type.name;
}

function descriptorOf({ name }: LongMessage, field: string) {
  const descriptor = messageDescriptor(name).fields.find((each) => each.name === field);
  return defined(descriptor, `${name} has a field ${field}`);
}
