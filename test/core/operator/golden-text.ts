/**
 * Recorded answers, made comparable with ours: what differs from run to run is masked, lists are
 * sorted.
 */
import { readFileSync } from "node:fs";

export function recorded(name: string): string {
  return readFileSync(new URL(`./golden/${name}.txt`, import.meta.url), "utf8").trim();
}

/**
 * The value of a JSON text with numbers as their text ("4.0" is not "4"), and with ids of this run,
 * times, uuids, values of flags and the master's own sentences replaced by what they are.
 */
export function masked(text: string): unknown {
  const marked = text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>")
    .replace(/<uuid>-O\d+/g, "<offer>")
    .replace(/"(uuid|status_update_uuid)":"[^"]*"/g, '"$1":"<bytes>"')
    .replace(/"executor_pid":\d+/g, '"executor_pid":"<pid>"')
    .replace(/"flags":\{[^}]*\}/, (flags) => flags.replace(/":"[^"]*"/g, '":"<flag>"'));
  return sorted(JSON.parse(quoteNumbers(marked, maskTime)));
}

/** The keys and the kinds of value only. A list is the set of its elements' shapes. */
export function shape(text: string): unknown {
  return shapeOf(JSON.parse(quoteNumbers(text, kindOf)));
}

/** What we say beside Mesos, below a name that it does not use. */
const OUR_OWN = "rimrock";

const TIME_SECONDS = 1e9;

function maskTime(number: string): string {
  if (Number(number) < TIME_SECONDS) return number;
  return number.includes(".") ? "<seconds>" : "<nanoseconds>";
}

function kindOf(number: string): string {
  return number.includes(".") ? "\u0000double" : "\u0000integer";
}

function quoteNumbers(text: string, replace: (number: string) => string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e-?\d+)?/g, (token) =>
    token.startsWith('"') ? token : JSON.stringify(replace(token)),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const elements = value.map(sorted);
    return elements.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== OUR_OWN)
    .map(([key, member]) => [key, sorted(member)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shapeOf(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith("\u0000") ? value.slice(1) : "text";
  if (Array.isArray(value)) {
    return [...new Set(value.map((element) => JSON.stringify(sorted(shapeOf(element)))))].sort();
  }
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
}
