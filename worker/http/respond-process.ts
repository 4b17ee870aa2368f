/**
 * Answers of the endpoints that are about the master's process rather than about the cluster: its
 * metrics, its log, its files.
 */
import { textAnswer } from "./respond.ts";

/** A process that can be looked at while it runs is what this master is not. */
export function noProfiler(): Response {
  const sentence =
    "There is no profiler: the master runs as an object at the edge. GET /metrics/snapshot tells how long its work takes.";
  return textAnswer(400, `${sentence}\n`);
}

export function badTimeout(text: string): Response {
  const sentence = `The parameter 'timeout' is '${text}'; give a duration such as 5secs or 500ms.`;
  return textAnswer(400, `${sentence}\n`);
}

/** 404 with nothing: clients take the status for the whole answer. */
export function fileNotFound(): Response {
  return textAnswer(404, "");
}

export function fileParameterMissing(): Response {
  return textAnswer(400, "The parameter 'path' is missing: name the file.\n");
}

export function badFileNumber(parameter: "offset" | "length", text: string): Response {
  const least = parameter === "offset" ? "-1 (which asks for the size)" : "0";
  const sentence = `The parameter '${parameter}' is '${text}'; give a whole number from ${least}.`;
  return textAnswer(400, `${sentence}\n`);
}

export function loggingLevel(level: number): Response {
  return textAnswer(200, `${level}\n`);
}

export function loggingParameterMissing(parameter: "level" | "duration"): Response {
  const sentence = `The parameter '${parameter}' is missing: give both 'level' and 'duration', or neither.`;
  return textAnswer(400, `${sentence}\n`);
}

export function badLoggingLevel(text: string): Response {
  return textAnswer(400, `The parameter 'level' is '${text}'; give a whole number from 0.\n`);
}

export function badLoggingDuration(text: string): Response {
  const sentence = `The parameter 'duration' is '${text}'; give a duration such as 30secs or 5mins.`;
  return textAnswer(400, `${sentence}\n`);
}

/** An endpoint of an actor; `text`: where it is. */
export interface HelpEntry {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** For people; everything in it is ours, so nothing has to be escaped. */
export function helpPage(entries: readonly HelpEntry[]): Response {
  const items = entries.map(({ text }) => `<li><a href="${text}">${text}</a></li>`).join("");
  const html = `<!DOCTYPE html><title>Endpoints</title><h1>Endpoints</h1><ul>${items}</ul>`;
  return new Response(html, { headers: { "Content-Type": "text/html" } });
}

export function unknownHelp(path: string): Response {
  return textAnswer(400, `There is no help at ${path}. GET /help lists what there is.\n`);
}
