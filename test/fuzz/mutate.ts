/** What happens to valid bytes on their way: as JSON values, as JSON text, as bytes. */
import type { Dice } from "./dice.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const HOSTILE_KEYS = [
  "__proto__",
  "constructor",
  "toString",
  "prototype",
  "",
  "type",
  "x".repeat(300),
];

/** Some places of a JSON value are changed. The text may be no JSON afterwards. */
export function mutateJson(dice: Dice, text: string): string {
  // Bare infinities, as Mesos writes them, are none of JSON's.
  let value = JSON.parse(text.replaceAll(/:(-?)Infinity/g, ":$11e999")) as Json;
  for (let times = 1 + dice.below(3); times > 0 && dice.chance(0.9); times--) {
    value = dice.chance(0.03) ? hostileValue(dice, value) : mutateWithin(dice, value);
  }
  const written = JSON.stringify(value);
  return dice.chance(0.4) ? mutateText(dice, written) : written;
}

/** Changes something in a random place: walks down a random way and may stop at every step. */
function mutateWithin(dice: Dice, value: Json): Json {
  if (typeof value !== "object" || value === null) return hostileValue(dice, value);
  if (Array.isArray(value)) {
    const at = dice.below(Math.max(value.length, 1));
    const each = value[at];
    if (each === undefined) return [hostileValue(dice, value)];
    if (dice.chance(0.15))
      return [...value, ...Array.from({ length: 1 + dice.below(50) }, () => each)];
    if (dice.chance(0.1)) return value.filter((_, index) => index !== at);
    return value.map((old, index) =>
      index === at ? (dice.chance(0.2) ? hostileValue(dice, old) : mutateWithin(dice, old)) : old,
    );
  }
  const keys = Object.keys(value);
  const key = dice.pick(keys);
  if (key === undefined || dice.chance(0.1)) {
    return withKey(value, dice.pick(HOSTILE_KEYS) ?? "", hostileValue(dice, value));
  }
  if (dice.chance(0.15))
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  const old = value[key] ?? null;
  const other = value[dice.pick(keys) ?? key];
  if (dice.chance(0.1) && other !== undefined) return withKey(value, key, other);
  return withKey(value, key, dice.chance(0.15) ? hostileValue(dice, old) : mutateWithin(dice, old));
}

/** Also "__proto__" becomes a property of its own. */
function withKey(value: { [key: string]: Json }, key: string, each: Json): Json {
  return Object.fromEntries([...Object.entries(value), [key, each]]);
}

function hostileValue(dice: Dice, old: Json): Json {
  const nested = (depth: number): Json => (depth === 0 ? old : [nested(depth - 1)]);
  const values: readonly (() => Json)[] = [
    () => null,
    () => true,
    () => -1,
    () => 1e308,
    () => 2 ** 53 + 2,
    () => 0.1,
    () => "",
    () => "x".repeat(1 + dice.below(3_000)),
    () => JSON.stringify(old),
    () => [],
    () => ({}),
    () => [old],
    () => [old, old],
    () => ({ value: old }),
    () => nested(1 + dice.below(150)),
    () => Array.from({ length: dice.below(2_000) }, () => null),
    () => "\ud800",
    () => "a\u0000",
  ];
  return dice.pick(values)?.() ?? null;
}

/** Texts that stand for others, or that are no JSON at all. */
function mutateText(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const ways: readonly (() => string)[] = [
    () => before,
    () => before + after.slice(1),
    () =>
      `${before}${dice.pick(["{", "}", "[", "]", ",", ":", '"', "\\", "\u0000", "/*", "'"])}${after}`,
    () => text + text,
    () => `${text}\n`,
    () => `\ufeff${text}`,
    () => text.replace("{", '{"type":"UNKNOWN",'),
    () => text.replace(/"([^"]*)":/, '"$1":null,"$1":'),
    () => text.replace("{", '{"__proto__":{"type":"TEARDOWN"},'),
    () => text.replace(/-?\d+(\.\d+)?/, dice.pick(NUMBERS)),
    () => text.replace(/:"[^"]*"/, `:${dice.pick(STRING_TEXTS)}`),
    () => text.replaceAll(":", " :\t\r\n"),
    () => `${"[".repeat(dice.below(3_000))}${text}`,
    () => text.replace(/:/, `:${'{"a":'.repeat(dice.below(300))}`),
    () => "",
  ];
  return dice.pick(ways)?.() ?? text;
}

const NUMBERS = [
  ...[
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "1E+2",
    "0x10",
    "01",
    "1.",
    ".5",
    "-",
    "+1",
  ],
  ...["9".repeat(400), "18446744073709551616", "-9223372036854775809", "-0", "1e-400", '"12"'],
  ...['"1e5"', '"0x1f"', '"NaN"', '"Infinity"', '""', '" 1"', "1_000", "1n"],
] as const;

const STRING_TEXTS = [
  ...[
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\x41"',
    '"\\',
    '"\\u12',
    '"\t"',
    "'a'",
    "undefined",
  ],
  ...['"\\/"', '"\\ud83d\\ude00"', "null", "true", "[]", "{}", "1"],
] as const;

/** Bytes that are no UTF-8. */
const BAD_UTF8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];

/** What a protobuf reader fears: endless varints, lengths that lie, groups, reserved numbers. */
const BAD_PROTOBUF = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x0a, 0xff, 0xff, 0xff, 0x7f],
  [0x0a, 0x80, 0x80, 0x80, 0x00],
  [0x0b],
  [0x0c],
  [0x00, 0x00],
  [0x07],
  [0x80],
  [0x12, 0x00],
  ...[0x0b, 0x0a].map((byte) => Array.from({ length: 300 }, () => byte)),
  [0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f],
  [0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0xff],
];

export function mutateBytes(dice: Dice, bytes: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let times = 1 + dice.below(4); times > 0; times--) mutated = mutateOnce(dice, mutated);
  return mutated;
}

function mutateOnce(dice: Dice, bytes: Uint8Array): Uint8Array {
  const at = dice.below(bytes.length + 1);
  const length = dice.below(Math.min(bytes.length - at, 64) + 1);
  const [before, part, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, at + length),
    bytes.subarray(at + length),
  ];
  const ways: readonly (() => readonly Uint8Array[])[] = [
    () => [before],
    () => [before, after],
    () => [before, part, part, after],
    () => [before, dice.bytes(part.length), after],
    () => [before, part.map((byte) => byte ^ (1 << dice.below(8))), after],
    () => [before, part.map((byte) => byte + 1), after],
    () => [before, Uint8Array.from(dice.pick(BAD_UTF8) ?? []), part, after],
    () => [before, Uint8Array.from(dice.pick(BAD_PROTOBUF) ?? []), part, after],
    () => [bytes, Uint8Array.from(dice.pick(BAD_PROTOBUF) ?? [])],
    () => [after, before],
  ];
  return new Uint8Array(Buffer.concat([...(dice.pick(ways)?.() ?? [bytes])]));
}
