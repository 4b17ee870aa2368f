/**
 * In which order recordings were made. `order.txt` says it where it is known; the rest is put in by
 * the seconds in the `Date` headers and by the ids that a request uses and an answer shows.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Recording } from "./recording.ts";

export type Step =
  | { readonly kind: "recording"; readonly recording: Recording; readonly notBefore: number }
  /** Another family's request, for what it changes; its answer is not compared. */
  | { readonly kind: "twin"; readonly recording: Recording }
  | { readonly kind: "action"; readonly action: string; readonly family: string };

/** Clusters to start, one for each master that was recorded, and what is done with it. */
export interface Replay {
  readonly families: readonly string[];
  /**
   * What the recorded master had lived through before, as another family shows it; not compared.
   */
  readonly prelude: readonly Step[];
  readonly steps: readonly Step[];
}

/** A request or an action of a script, or all requests that match and are named nowhere else. */
type Script = readonly string[];

export function planReplays(recordings: readonly Recording[], root: string): readonly Replay[] {
  const scripts = readScripts(join(root, "test/compat/golden/order.txt"));
  const families = [...new Set(recordings.map(({ family }) => family))].sort();
  const groups = new Map<string, string[]>();
  for (const family of families) {
    const of = recordings.filter((each) => each.family === family);
    const master = masterOf(of) ?? family;
    groups.set(master, [...(groups.get(master) ?? []), family]);
  }
  const first = (family: string): number =>
    Math.min(...recordings.filter((each) => each.family === family).map(secondsOf));
  return [...groups.values()].map((group) => {
    const ordered = group.sort((a, b) => first(a) - first(b));
    const steps = ordered.flatMap((family) => orderFamily(family, recordings, scripts));
    return { families: ordered, prelude: preludeOf(ordered, recordings, scripts), steps };
  });
}

/**
 * A master whose first framework is not its number 0 had others before: those of the same program,
 * if they are there.
 */
function preludeOf(
  [family = ""]: readonly string[],
  recordings: readonly Recording[],
  scripts: readonly { families: readonly string[]; script: Script }[],
): readonly Step[] {
  const ids = recordings.filter((each) => each.family === family).flatMap(frameworkIdsOf);
  const numbers = ids.flatMap((id) => /^[0-9a-f-]{36}-(\d+)$/.exec(id)?.[1] ?? []).map(Number);
  const twins = scripts.find(({ families }) => families.includes(family))?.families ?? [];
  const [before] = twins.filter(
    (each) => each < family && recordings.some((recording) => recording.family === each),
  );
  if (before === undefined || Math.min(...numbers) === 0) return [];
  return orderFamily(before, recordings, scripts);
}

/** The frameworks that a stream subscribed. */
export function frameworkIdsOf(recording: Recording): readonly string[] {
  if (!recording.isStream) return [];
  const text = recording.answer?.body().toString("latin1") ?? "";
  const found = /"SUBSCRIBED","subscribed":\{"framework_id":\{"value":"([^"]+)"/.exec(text)?.[1];
  return found === undefined ? [] : [found];
}

/**
 * The id of the master that a family was recorded with: what its agents' and frameworks' ids begin
 * with.
 */
function masterOf(recordings: readonly Recording[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { request, answer } of recordings) {
    const text = `${request.head}${request.body}${answer?.body().toString("latin1") ?? ""}`;
    for (const [, id = ""] of text.matchAll(
      /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(?:S|O|0)\d+/g,
    )) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function secondsOf({ dateSeconds }: Recording): number {
  return dateSeconds ?? Number.POSITIVE_INFINITY;
}

function readScripts(path: string): readonly { families: readonly string[]; script: Script }[] {
  const text = readFileSync(path, "utf8").replaceAll(/^#.*\n/gm, "");
  return text
    .split(/^\[/m)
    .slice(1)
    .map((section) => {
      const [families = "", ...lines] = section.split("\n");
      const script = lines.map((line) => line.trim()).filter((line) => line !== "");
      return { families: families.replace("]", "").split(" "), script };
    });
}

function orderFamily(
  family: string,
  recordings: readonly Recording[],
  scripts: readonly { families: readonly string[]; script: Script }[],
): readonly Step[] {
  const own = recordings.filter((each) => each.family === family);
  const times = evidence(own);
  const found = scripts.find(({ families }) => families.includes(family));
  const byEvidence = [...own].sort((a, b) => compareSteps(a, b, times));
  const twins = recordings.filter(
    (each) => each.family !== family && found?.families.includes(each.family),
  );
  const scripted = expandScript(found?.script ?? [], family, byEvidence, twins);
  const named = new Set(
    scripted.flatMap((step) => (step.kind === "recording" ? [step.recording] : [])),
  );
  const steps = [...scripted];
  for (const recording of byEvidence.filter((each) => !named.has(each))) {
    const seconds = secondsOf(recording);
    const at = steps.findIndex(
      (step) => step.kind === "recording" && secondsOf(step.recording) > seconds,
    );
    steps.splice(at < 0 ? steps.length : at, 0, { kind: "recording", recording, notBefore: 0 });
  }
  let notBefore = 0;
  return steps.map((step) => {
    if (step.kind !== "recording") return step;
    notBefore = Math.max(notBefore, times.get(step.recording) ?? 0);
    return { ...step, notBefore };
  });
}

function expandScript(
  script: Script,
  family: string,
  own: readonly Recording[],
  twins: readonly Recording[],
): readonly Step[] {
  const exact = new Set(script.map((line) => `${family}_${line}`));
  const used = new Set<Recording>();
  return script.flatMap((line): readonly Step[] => {
    const [, instead, call] = /^@ instead of (\S+) (.*)$/.exec(line) ?? [];
    if (call !== undefined) {
      const isThere = own.some(({ name }) => name === `${family}_${instead}`);
      return isThere ? [] : [{ kind: "action", action: `call ${call}`, family }];
    }
    if (line.startsWith("@ ")) return [{ kind: "action", action: line.slice(2), family }];
    const pattern = globPattern(`${family}_${line}`);
    const matching = own.filter(
      (each) =>
        pattern.test(each.name) &&
        !used.has(each) &&
        (!line.includes("*") || !exact.has(each.name)),
    );
    for (const each of matching) used.add(each);
    if (matching.length > 0 || line.includes("*")) {
      return matching.map((recording) => ({ kind: "recording", recording, notBefore: 0 }));
    }
    const twin = twins.find((each) => each.name === `${each.family}_${line}`);
    return twin === undefined ? [] : [{ kind: "twin", recording: twin }];
  });
}

export function globPattern(glob: string): RegExp {
  const parts = glob.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}

/**
 * The earliest moment, in seconds since 1970, at which a request can have been sent: its second,
 * the moment at which the last of the ids that it uses was made, the last time that its answer
 * names.
 */
function evidence(recordings: readonly Recording[]): ReadonlyMap<Recording, number> {
  const born = new Map<string, number>();
  for (const stream of recordings) {
    const start = streamStart(stream);
    for (const { afterSeconds, json } of stream.events ?? []) {
      for (const id of idsIn(json)) {
        const at = start + afterSeconds;
        if (at < (born.get(id) ?? Number.POSITIVE_INFINITY)) born.set(id, at);
      }
    }
  }
  return new Map(
    recordings.map((recording) => {
      const second = secondsOf(recording);
      if (recording.isStream) return [recording, second];
      const { request, answer } = recording;
      const body = answer?.body().toString("latin1") ?? "";
      const ids = idsIn(`${request.head}${request.body}${body}`);
      const shown = [...body.matchAll(/\b1\d{9}\.\d+/g)].map(([text]) => Number(text));
      const known = [...ids].flatMap((id) => born.get(id) ?? []);
      const times = [...known, ...shown].filter((time) => time < second + 1.01);
      return [recording, Math.max(second, ...times)];
    }),
  );
}

/** When the request of a stream was sent: no update arrived before it was made. */
export function streamStart(stream: Recording): number {
  const starts = (stream.events ?? []).flatMap(({ afterSeconds, json }) => {
    const made = /"type":"UPDATE".*"timestamp":([\d.]+)/.exec(json)?.[1];
    // A repeated update, or one about the past, was made long before.
    return made === undefined ? [] : [Number(made) - afterSeconds];
  });
  const second = secondsOf(stream);
  return Math.max(second, ...starts.filter((start) => start < second + 1));
}

/** Offers, and the uuids of updates. */
function idsIn(text: string): ReadonlySet<string> {
  return new Set(text.match(/[0-9a-f]{12}-O\d+|"[A-Za-z0-9+/]{22}=="/g) ?? []);
}

function compareSteps(a: Recording, b: Recording, times: ReadonlyMap<Recording, number>): number {
  const byTime = (times.get(a) ?? 0) - (times.get(b) ?? 0);
  if (byTime !== 0 && !Number.isNaN(byTime)) return byTime;
  return rank(a) - rank(b) || (a.name < b.name ? -1 : 1);
}

/** Of one moment: first who subscribes, then who looks, then who changes. */
function rank(recording: Recording): number {
  if (recording.isStream) return 0;
  return isRead(recording) ? 1 : 2;
}

/** It looks and changes nothing, so it causes no event. */
export function isRead({ request }: Recording): boolean {
  return request.method === "GET" || /"type": ?"GET_/.test(request.body);
}
