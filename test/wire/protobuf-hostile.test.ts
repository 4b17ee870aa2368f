import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type MessageName, messageRows } from "../../worker/protocol/descriptors.ts";
import { decodeJson, describeDecodeError, encodeJson } from "../../worker/protocol/wire/json.ts";
import { decodeProtobuf, encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { type Prng, prng } from "../../worker/std/prng.ts";

interface Recorded {
  readonly name: MessageName;
  readonly bytes: Uint8Array;
  readonly json: string;
}

const recorded = readFileSync(new URL("golden/protobuf.tsv", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map(recordedLine);

function recordedLine(line: string): Recorded {
  const [name = "", hex = "", json = ""] = line.split("\t");
  if (!isMessageName(name)) throw new Error(`no such message: ${name}`);
  return { name, bytes: new Uint8Array(Buffer.from(hex, "hex")), json };
}

function isMessageName(name: string): name is MessageName {
  return name in messageRows;
}

describe("recorded from a real Mesos", () => {
  test.each(recorded)("$name is read as its JSON is, and written byte for byte", (each) => {
    const { name, bytes, json } = each;
    const binary = decodeProtobuf(name, bytes);
    const text = decodeJson(name, json);
    if (!binary.ok || !text.ok) throw new Error("both are refused or one of them");
    expect(encodeJson(name, binary.value)).toBe(encodeJson(name, text.value));
    expect(encodeProtobuf(name, binary.value)).toStrictEqual(bytes);
  });

  test("events in JSON are what Mesos wrote", () => {
    const events = recorded.filter(({ name }) => name === "mesos.v1.scheduler.Event");
    expect(events.length).toBe(3);
    for (const { name, bytes, json } of events) {
      const binary = decodeProtobuf(name, bytes);
      expect(binary.ok && encodeJson(name, binary.value)).toBe(json);
    }
  });
});

const scalar = { value: 0.1 };
const task = (id: string) => ({
  name: id,
  task_id: { value: id },
  agent_id: { value: "agent" },
  resources: [{ name: "cpus", type: "SCALAR", scalar }] as const,
  limits: { mem: { value: 32 }, cpus: { value: Number.POSITIVE_INFINITY } },
  command: { value: "é", uris: [{ value: "u" }], arguments: ["a"] },
  health_check: { http: { port: 1, statuses: [200, 201] }, delay_seconds: 0.5 },
  kill_policy: { grace_period: { nanoseconds: -1n } },
  data: Uint8Array.of(0, 255),
});
const accept = encodeProtobuf("mesos.v1.scheduler.Call", {
  type: "ACCEPT",
  framework_id: { value: "f" },
  accept: {
    offer_ids: [{ value: "o" }],
    operations: [{ type: "LAUNCH", launch: { task_infos: [task("a"), task("b")] } }],
    filters: { refuse_seconds: 5 },
  },
});
const seeds: readonly Pick<Recorded, "name" | "bytes">[] = [
  ...recorded,
  { name: "mesos.v1.scheduler.Call", bytes: accept },
];

/** One of the changes that parsers fall over. */
function mutated(bytes: Uint8Array, random: Prng): Uint8Array {
  const at = random.below(bytes.length);
  const [before, after] = [bytes.slice(0, at), bytes.slice(at)];
  switch (random.below(6)) {
    case 0:
      return before;
    case 1:
      after[0] = random.below(256);
      return join(before, after);
    case 2:
      after[0] = (after[0] ?? 0) ^ (1 << random.below(8));
      return join(before, after);
    case 3:
      return join(before, Uint8Array.of(random.below(256)), after);
    case 4:
      return join(before, after.slice(1 + random.below(4)));
    default:
      return join(before, after.slice(0, random.below(20)), after);
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** What is read can be sent on in both encodings, and stays what it is. */
function check(name: MessageName, bytes: Uint8Array): boolean {
  const decoded = decodeProtobuf(name, bytes);
  if (!decoded.ok) {
    expect(describeDecodeError(decoded.error)).not.toBe("");
    return false;
  }
  const again = decodeProtobuf(name, encodeProtobuf(name, decoded.value));
  expect(again).toStrictEqual(decoded);
  const text = decodeJson(name, encodeJson(name, decoded.value));
  if (!text.ok) throw new Error(describeDecodeError(text.error));
  return true;
}

test("20,000 mutations of calls and events never throw, and what is read can be sent on", () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  console.log(`SEED=${seed}`);
  const random = prng(seed);
  let read = 0;
  for (let run = 0; run < 20_000; run++) {
    const { name, bytes } = seeds[random.below(seeds.length)] ?? {
      name: "mesos.v1.TaskID",
      bytes: accept,
    };
    let mutant = bytes;
    for (let left = 1 + random.below(3); left > 0 && mutant.length > 0; left--) {
      mutant = mutated(mutant, random);
    }
    if (check(name, mutant)) read++;
  }
  // Both ways are gone through often.
  expect(read).toBeGreaterThan(1_000);
  expect(read).toBeLessThan(19_000);
});
