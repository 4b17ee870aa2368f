/**
 * Two event streams. When offers come and how often they are made anew is Mesos' tick, and so are
 * heartbeats; so offers are compared by what they look like, and the other events each with its
 * like.
 */
import { type AnswerReader, splitRecords } from "./answer.ts";
import { compareJson, type Difference } from "./compare.ts";
import { type JsonText, parseJsonText } from "./json-text.ts";

/** Events whose number and place depend on the moment. */
const OF_THE_MOMENT = new Set(["HEARTBEAT", "OFFERS", "INVERSE_OFFERS", "RESCIND"]);
/**
 * States that a real agent may pass so fast that an acknowledgement decides whether they are seen.
 */
const FIRST_EVENTS = 2;

export function eventsOf(answer: AnswerReader): readonly JsonText[] {
  return splitRecords(answer.body()).flatMap((record) => {
    const event = parseJsonText(record.toString("utf8"));
    return event === undefined ? [] : [event];
  });
}

export function compareEvents(
  recorded: readonly JsonText[],
  live: readonly JsonText[],
): readonly Difference[] {
  const differences: Difference[] = [];
  const [expected, got] = [recorded, live].map((events) =>
    events.slice(0, FIRST_EVENTS).map(typeOf).join(", "),
  );
  if (expected !== got) differences.push(`stream begins: ${expected} is ${got}`);
  const types = new Set([...recorded, ...live].map(typeOf));
  for (const type of types) {
    const [first, second] = [recorded, live].map((all) =>
      all.filter((one) => typeOf(one) === type),
    );
    differences.push(...compareOfType(type, first ?? [], second ?? []));
  }
  return differences;
}

function compareOfType(
  type: string,
  recorded: readonly JsonText[],
  live: readonly JsonText[],
): readonly Difference[] {
  const named = (all: readonly Difference[]): readonly Difference[] =>
    all.map((each) => each.replace(/^body/, `event ${type}`).replace(" []", ""));
  if (live.length === 0) return type === "RESCIND" ? [] : [`event ${type}: never comes`];
  if (recorded.length === 0) {
    return type === "RESCIND" || type === "HEARTBEAT" ? [] : [`event ${type}: Mesos sends none`];
  }
  if (type === "UPDATE") return [...named(compareUpdates(recorded, live))];
  const isMany = OF_THE_MOMENT.has(type);
  const [expected, got] = isMany ? [merged(recorded), merged(live)] : [recorded, live];
  return named(compareJson({ kind: "array", items: expected }, { kind: "array", items: got }));
}

/** Updates belong together by task and by what they say of it. */
function compareUpdates(
  recorded: readonly JsonText[],
  live: readonly JsonText[],
): readonly Difference[] {
  const signatures = new Set([...recorded, ...live].map(updateSignature));
  return [...signatures].flatMap((signature) => {
    const of = (all: readonly JsonText[]): readonly JsonText[] =>
      all.filter((each) => updateSignature(each) === signature);
    const [expected, got] = [of(recorded), of(live)];
    if (got.length === 0) return [`body ${signature}: never comes`];
    if (expected.length === 0) return [`body ${signature}: Mesos sends none`];
    return compareJson({ kind: "array", items: expected }, { kind: "array", items: got }).map(
      (each) => each.replace(/^body \[\]/, `body ${signature}`),
    );
  });
}

function updateSignature(event: JsonText): string {
  const status = member(member(event, "update"), "status");
  const task = textOf(member(member(status, "task_id"), "value"));
  const reason = textOf(member(status, "reason"));
  return `${task} ${textOf(member(status, "state"))}${reason === "" ? "" : ` ${reason}`}`;
}

/**
 * All offers in one event, each kind of resource once: what of an agent is free varies with the
 * moment.
 */
function merged(events: readonly JsonText[]): readonly JsonText[] {
  return events.slice(0, 1).map((event) => {
    if (event.kind !== "object") return event;
    const [key] = [...event.members.keys()].filter((name) => name !== "type");
    if (key === undefined) return event;
    const lists = events.map((each) => member(member(each, key), key));
    const offers = lists.flatMap((list) => (list?.kind === "array" ? list.items : []));
    const resources = offers.flatMap((offer) => {
      const list = member(offer, "resources");
      return list?.kind === "array" ? list.items : [];
    });
    const [first] = offers;
    if (first?.kind !== "object") return event;
    const members = new Map(
      offers.flatMap((each) => (each.kind === "object" ? [...each.members] : [])),
    );
    if (members.has("resources")) members.set("resources", { kind: "array", items: resources });
    return { kind: "object", members };
  });
}

export function typeOf(event: JsonText): string {
  return textOf(member(event, "type"));
}

function member(json: JsonText | undefined, key: string): JsonText | undefined {
  return json?.kind === "object" ? json.members.get(key) : undefined;
}

function textOf(json: JsonText | undefined): string {
  return json?.kind === "string" ? json.value : "";
}
