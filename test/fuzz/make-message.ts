/**
 * Random messages, made from the descriptors: in the canonical form, so that both encodings can
 * write them; with names that exist, so that they reach the code behind the look-ups; and with
 * values at every border.
 */
import {
  type FieldDescriptor,
  type FieldType,
  INTEGER_RANGES,
  messageDescriptor,
  type ScalarName,
} from "../../worker/protocol/wire/descriptor.ts";
import type { Dice } from "./dice.ts";
import { type Knowledge, ROLES } from "./knowledge.ts";

export type Fields = Record<string, unknown>;

/** Deeper messages get no optional fields. */
const DEPTH = 5;

const STRINGS = [
  ...["", " ", "*", "a", "-a", ".", "..", "../..", "a/b", "/a", "a//b", "a/*", "a\u0000b", "a\nb"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "null", "NaN", "-1", "1e309"],
  ...["\u00e9", "\u{1f600}", "\u2028", "\ufeff", "\u202e", "%00", "%2e%2e%2f", "<script>", "'\"`"],
  ...["x".repeat(255), "x".repeat(256), "x".repeat(5_000), "\u{1f600}".repeat(64), "/".repeat(300)],
] as const;

const DOUBLES = [
  ...[0, -0, 1, -1, 0.001, 0.0005, 0.0004, 1e-9, 5e-324, 0.1 + 0.2, 1e6, 1e15, 2 ** 53, 2 ** 63],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 9.3e15, 1e300, -1e300, Number.MAX_VALUE],
] as const;

/** How often a value is longer than what a store takes. */
const FAT = 0.0003;

const NAMES = ["cpus", "mem", "disk", "gpus", "ports", "labels", "bogus"] as const;

export class MessageMaker {
  readonly #dice: Dice;
  readonly #knowledge: Knowledge;

  constructor(dice: Dice, knowledge: Knowledge) {
    this.#dice = dice;
    this.#knowledge = knowledge;
  }

  /** `name`: full name of a message of the tables. */
  message(name: string, depth = DEPTH): Fields {
    const dice = this.#dice;
    const ids = this.#knowledge.ids.get(name);
    if (ids !== undefined && ids.length > 0 && dice.chance(0.85)) return { value: dice.pick(ids) };
    if (name === "mesos.v1.Resource" && dice.chance(0.8)) return this.#resource();
    const { fields } = messageDescriptor(name);
    const made: Fields = {};
    const chosen = this.#chosenPart(fields);
    for (const field of fields) {
      const likely = field.label === "required" || chosen.has(field.name);
      if (!likely && (depth <= 0 || !dice.chance(chosen.size > 0 ? 0.08 : 0.35))) continue;
      const value = this.#field(field, depth - 1);
      if (value !== undefined) made[field.name] = value;
    }
    const type = chosen.get("type");
    return type === undefined ? made : { ...made, type };
  }

  /** A message that is a union by its `type`: most often the part of that type and no other. */
  #chosenPart(fields: readonly FieldDescriptor[]): ReadonlyMap<string, string> {
    const dice = this.#dice;
    const type = fields.find(({ name }) => name === "type")?.type;
    if (type?.kind !== "ENUM" || !dice.chance(0.9)) return new Map();
    const parts = new Set(fields.map(({ name }) => name));
    const value = dice.pick([...type.numbers.keys()]) ?? "";
    const part = value.toLowerCase();
    const isUnion = [...type.numbers.keys()].some((each) => parts.has(each.toLowerCase()));
    if (!isUnion) return new Map();
    const chosen = new Map([["type", value]]);
    if (parts.has(part)) chosen.set(part, part);
    if (parts.has("framework_id")) chosen.set("framework_id", "");
    return chosen;
  }

  #field(field: FieldDescriptor, depth: number): unknown {
    const { type, label, name } = field;
    if (label !== "repeated" || type.kind === "MAP") return this.#value(type, name, depth);
    const dice = this.#dice;
    const count = dice.chance(0.02) ? 1 + dice.below(40) : 1 + dice.below(3);
    return Array.from({ length: count }, () => this.#value(type, name, depth));
  }

  #value(type: FieldType, field: string, depth: number): unknown {
    const dice = this.#dice;
    switch (type.kind) {
      case "MESSAGE":
        return this.message(type.name, depth);
      case "ENUM":
        return dice.pick([...type.numbers.keys()]);
      case "MAP": {
        const entries = Array.from({ length: 1 + dice.below(3) }, () => [
          dice.chance(0.5) ? dice.pick(ROLES) : this.#text(""),
          this.#value(type.value, "", depth - 1),
        ]);
        // Own properties only: one of the keys may be the name of an inherited one.
        return Object.fromEntries(entries);
      }
      case "SCALAR":
        return this.#scalar(type.scalar, field);
    }
  }

  #scalar(scalar: ScalarName, field: string): unknown {
    const dice = this.#dice;
    switch (scalar) {
      case "string":
        return this.#text(field);
      case "bytes":
        return this.#bytes(field);
      case "bool":
        return dice.chance(0.5);
      case "double":
        return dice.chance(0.6) ? dice.below(100) / 10 : dice.pick(DOUBLES);
      case "int32":
      case "uint32":
        if (field === "protocol_version" && dice.chance(0.9)) return 1;
        return Number(this.#integer(INTEGER_RANGES[scalar]));
      case "int64":
      case "uint64":
        return this.#integer(INTEGER_RANGES[scalar]);
    }
  }

  #integer([least, most]: readonly [bigint, bigint]): bigint {
    const dice = this.#dice;
    if (dice.chance(0.6)) return BigInt(dice.below(20));
    if (dice.chance(0.3)) return BigInt(dice.below(2 ** 31));
    const borders = [least, most, least + 1n, most - 1n, 2n ** 31n - 1n, 2n ** 53n - 1n, 2n ** 53n];
    const chosen = dice.pick([...borders, 0n, 1n]) ?? 0n;
    return chosen > most ? most : chosen;
  }

  #text(field: string): string {
    const dice = this.#dice;
    const known = this.#knowledge.fields.get(field) ?? [];
    if (known.length > 0 && dice.chance(0.8)) return dice.pick(known) ?? "";
    if (dice.chance(FAT)) return "x".repeat(2_500_000);
    return dice.chance(0.5) ? `n${dice.below(10)}` : dice.pick(STRINGS);
  }

  #bytes(field: string): Uint8Array {
    const dice = this.#dice;
    const known = dice.pick(this.#knowledge.uuids);
    if (known !== undefined && field.includes("uuid") && dice.chance(0.7)) {
      return new Uint8Array(Buffer.from(known, "base64"));
    }
    if (dice.chance(FAT)) return new Uint8Array(2_500_000);
    return dice.bytes(dice.pick([0, 1, 16, 16, 16, 17, 100]));
  }

  /** Reserved for a role, as an operator would. */
  plainResource(): Fields {
    const dice = this.#dice;
    const reservations = [{ type: "DYNAMIC", role: dice.pick(ROLES.slice(1)) }];
    const scalar = { value: 1 + dice.below(10) };
    return { name: dice.pick(["cpus", "disk"]), type: "SCALAR", scalar, reservations };
  }

  /** A resource that agents have, perhaps reserved, perhaps a volume. */
  #resource(): Fields {
    const dice = this.#dice;
    const name = dice.pick(NAMES);
    const resource: Fields = { name, ...this.#resourceValue(name) };
    if (dice.chance(0.3)) resource.allocation_info = { role: dice.pick(ROLES) };
    if (dice.chance(0.4)) {
      const reservation = (): Fields => ({
        type: dice.chance(0.7) ? "DYNAMIC" : "STATIC",
        role: dice.pick(ROLES),
        ...(dice.chance(0.5) && { principal: "p1" }),
      });
      resource.reservations = Array.from({ length: 1 + dice.below(2) }, reservation);
    } else if (dice.chance(0.2)) resource.role = dice.pick(ROLES);
    if (name === "disk" && dice.chance(0.5)) {
      resource.disk = {
        persistence: { id: dice.pick(["v1", "v2", "v3"]) },
        volume: { mode: "RW", container_path: dice.pick(["data", "a/b", "/abs", "..", ""]) },
      };
    }
    if (dice.chance(0.05)) resource.revocable = {};
    if (dice.chance(0.05)) resource.shared = {};
    return resource;
  }

  #resourceValue(name: string): Fields {
    const dice = this.#dice;
    if (name === "ports") {
      const begin = BigInt(31_000 + dice.below(50));
      const range = [{ begin, end: begin + BigInt(dice.below(20) - 1) }];
      return { type: "RANGES", ranges: { range } };
    }
    if (name === "labels") return { type: "SET", set: { item: ["a", dice.pick(["a", "b"])] } };
    const value = dice.chance(0.9) ? dice.below(40) / 10 : dice.pick(DOUBLES);
    return { type: "SCALAR", scalar: { value } };
  }
}
