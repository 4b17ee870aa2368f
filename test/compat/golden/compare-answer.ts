/**
 * What differs between a recorded and a live HTTP answer: status line, headers that clients look
 * at, body.
 */
import { type AnswerReader, headerOf, splitRecords } from "./answer.ts";
import { comparable, compareJson, type Difference } from "./compare.ts";
import { compareEvents, eventsOf } from "./compare-events.ts";
import { parseJsonText } from "./json-text.ts";
import { compareProtobuf } from "./protobuf-shape.ts";
import { type Replayed, withoutStrangers } from "./prune.ts";
import type { Recording } from "./recording.ts";

/** Texts that clients match on: they have to be the same. */
const SAME_SENTENCES = ["Framework cannot be found", "Framework is not subscribed"];

/**
 * `replayed`: what of the recorded cluster was there in the live one, too.
 */
export function compareAnswer(
  recording: Recording,
  live: AnswerReader,
  replayed: Replayed,
): readonly Difference[] {
  const { answer } = recording;
  if (answer?.head === undefined) {
    return [`status: the recorded master closed the connection; this one says ${statusOf(live)}`];
  }
  if (live.head === undefined) return ["status: no answer"];
  if (answer.head.statusLine !== live.head.statusLine) {
    return [`status: ${statusOf(answer)} is ${statusOf(live)}: ${sentenceOf(live)}`];
  }
  return [...compareHeaders(recording, live), ...compareBodies(recording, answer, live, replayed)];
}

function statusOf(answer: AnswerReader): string {
  return answer.head?.statusLine.replace(/^HTTP\/1\.1 /, "") ?? "nothing";
}

function sentenceOf(answer: AnswerReader): string {
  return comparable(answer.body().toString("utf8").slice(0, 160));
}

function compareHeaders(recording: Recording, live: AnswerReader): readonly Difference[] {
  const { answer } = recording;
  const differences: Difference[] = [];
  const differ = (name: string, make: (value: string) => string): void => {
    const [expected, got] = [answer, live].map((each) => {
      const value = headerOf(each?.head, name);
      return value === undefined ? "absent" : make(value);
    });
    if (expected !== got) differences.push(`header ${name}: ${expected} is ${got}`);
  };
  for (const name of ["Content-Type", "Allow", "WWW-Authenticate", "Message-Content-Type"]) {
    differ(name, (value) => value);
  }
  differ("Location", comparable);
  // The answer says that its body is as it is, which is the same as not saying anything.
  differ("Content-Encoding", (value) => (value === "identity" ? "absent" : value));
  for (const name of ["Mesos-Stream-Id", "Transfer-Encoding", "Content-Length"]) {
    differ(name, () => "present");
  }
  const spelling = live.head?.headers.find(([name]) => /^mesos-stream-id$/i.test(name))?.[0];
  if (spelling !== undefined && spelling !== "Mesos-Stream-Id") {
    differences.push(`header Mesos-Stream-Id: spelled ${spelling}`);
  }
  return differences;
}

function compareBodies(
  recording: Recording,
  recorded: AnswerReader,
  live: AnswerReader,
  replayed: Replayed,
): readonly Difference[] {
  const type = headerOf(recorded.head, "Content-Type") ?? "";
  if (type !== (headerOf(live.head, "Content-Type") ?? "")) return [];
  if (recording.isStream) return compareStreams(recording, recorded, live, replayed);
  const [expected, got] = [recorded.body(), live.body()];
  if (expected.length === 0 || got.length === 0) {
    if (expected.length === got.length) return [];
    const [was, is] = [expected, got].map((each) => (each.length === 0 ? "empty" : "not empty"));
    return [`body: ${was} is ${is}: ${sentenceOf(live)}`];
  }
  if (type === "application/x-protobuf") return compareProtobuf(expected, got);
  const texts = [expected.toString("utf8"), got.toString("utf8")] as const;
  if ((recorded.head?.status ?? 0) >= 400) return compareSentences(recording, ...texts);
  return compareDocuments(...texts, replayed);
}

function compareDocuments(
  recorded: string,
  live: string,
  replayed: Replayed,
): readonly Difference[] {
  const callbacks = [recorded, live].map((text) => /^([\w$.]+)\((.*)\)(;?)$/s.exec(text));
  const [expected, got] = callbacks;
  if (expected || got) {
    const around = callbacks.map((each) => (each ? `${each[1]}(…)${each[3]}` : "no callback"));
    if (around[0] !== around[1]) return [`body: ${around[0]} is ${around[1]}`];
    return compareDocuments(expected?.[2] ?? "", got?.[2] ?? "", replayed);
  }
  const values = [recorded, live].map(parseJsonText);
  const [first, second] = values;
  if (first === undefined || second === undefined) {
    if (comparable(recorded) === comparable(live)) return [];
    return [
      `body: ${JSON.stringify(recorded.slice(0, 80))} is ${JSON.stringify(live.slice(0, 80))}`,
    ];
  }
  return compareJson(withoutStrangers(first, replayed), second);
}

/** Our sentences are our own, but they name what Mesos' name: the field, the id, the value. */
function compareSentences(
  recording: Recording,
  recorded: string,
  live: string,
): readonly Difference[] {
  if (recorded === live) return [];
  if (SAME_SENTENCES.includes(recorded)) {
    return [`body: clients match on ${JSON.stringify(recorded)}; it is ${JSON.stringify(live)}`];
  }
  const prefix = /^Failed to validate \w+::Call: /.exec(recorded)?.[0];
  if (prefix !== undefined && !live.startsWith(prefix)) {
    return [`body: clients match on the beginning ${JSON.stringify(prefix)}: ${sentenceOf_(live)}`];
  }
  const names = namesIn(recorded.slice(prefix?.length ?? 0), recording);
  if (names.length === 0 || names.some((name) => live.includes(name))) return [];
  return [`body: the sentence names none of ${names.join(", ")}: ${sentenceOf_(live)}`];
}

function sentenceOf_(text: string): string {
  return JSON.stringify(comparable(text.slice(0, 160)));
}

/**
 * The fields and values that a sentence is about: what it quotes, names with a `_` or a `.`, parts
 * of the request.
 */
function namesIn(sentence: string, { request }: Recording): readonly string[] {
  const quoted = [...sentence.matchAll(/'([^']+)'/g)].map(([, name = ""]) => name);
  const fields = [...sentence.matchAll(/\b[a-z]+(?:[_.][a-z]+)+\b/g)].map(([name]) => name);
  const sent = [...request.body.matchAll(/"([^"]{3,})"/g)].map(([, text = ""]) => text);
  const asked = sent.filter((text) => sentence.includes(text));
  const names = [...quoted, ...fields, ...asked].map((name) => name.split(".").at(-1) ?? name);
  return [...new Set(names.map(comparable))].filter((name) => !name.includes("<"));
}

function compareStreams(
  recording: Recording,
  recorded: AnswerReader,
  live: AnswerReader,
  replayed: Replayed,
): readonly Difference[] {
  const differences: Difference[] = [];
  for (const chunk of live.chunks) {
    const records = splitRecords(chunk);
    const whole = records.reduce(
      (sum, each) => sum + String(each.length).length + 1 + each.length,
      0,
    );
    if (records.length !== 1 || whole !== chunk.length) {
      differences.push(`stream: a chunk of ${chunk.length} bytes holds ${records.length} records`);
      break;
    }
  }
  if (recording.isEndedByMaster && !live.isComplete) {
    differences.push("stream: Mesos ends it; here it stays open");
  }
  if (headerOf(recorded.head, "Content-Type") === "application/x-protobuf") {
    const [first, second] = [recorded, live].map((each) => splitRecords(each.body()));
    return [...differences, ...compareProtobufEvents(first ?? [], second ?? [])];
  }
  const all = withoutStrangers({ kind: "array", items: eventsOf(recorded) }, replayed);
  const events = all.kind === "array" ? all.items : [];
  return [...differences, ...compareEvents(events, eventsOf(live))];
}

function compareProtobufEvents(
  recorded: readonly Buffer[],
  live: readonly Buffer[],
): readonly Difference[] {
  return recorded.flatMap((event, index) => {
    const other = live[index];
    return other === undefined ? [`stream: no event ${index}`] : compareProtobuf(event, other);
  });
}
