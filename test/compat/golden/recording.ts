/**
 * One file of a folder of recordings: the request's bytes, the answer's bytes, and for long streams
 * every event with its time. The format writes CRLF as `\r\n` before the line end and bytes that
 * are no text as `\xNN`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AnswerReader, headerOf } from "./answer.ts";

export interface Recording {
  /** The file's name without `.txt`. */
  readonly name: string;
  /** What stands before the first `_`: recordings of one family belong together. */
  readonly family: string;
  readonly note: string;
  readonly request: RecordedRequest;
  /** Undefined when the recorded master closed the connection without an answer. */
  readonly answer: AnswerReader | undefined;
  /** Of the `Date` header, in seconds since 1970; undefined without an answer. */
  readonly dateSeconds: number | undefined;
  /** A long-lived stream's events; undefined for everything else. */
  readonly events: readonly RecordedEvent[] | undefined;
  readonly isStream: boolean;
  /** The master ended the stream; else the recorder hung up. */
  readonly isEndedByMaster: boolean;
  /** The recorder looked at the stream for some seconds and went on after that. */
  readonly isHungUpAtOnce: boolean;
}

export interface RecordedRequest {
  readonly method: string;
  /** Head and body, with `\r\n` as they went over the wire, in latin1. */
  readonly head: string;
  readonly body: string;
  /** The port that it went to. */
  readonly port: number;
}

export interface RecordedEvent {
  readonly afterSeconds: number;
  readonly json: string;
}

/** Every recording in `folder`, by name. Files that hold no request are notes and are left out. */
export function readRecordings(folder: string): readonly Recording[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  return names.sort().flatMap((name) => {
    const text = readFileSync(join(folder, name)).toString("latin1");
    return text.includes("===== REQUEST (") ? [parseRecording(name.slice(0, -4), text)] : [];
  });
}

function parseRecording(name: string, text: string): Recording {
  const sections = text.split(/^===== /m);
  const section = (title: string): string | undefined =>
    sections.find((each) => each.startsWith(title))?.replace(/^[^\n]*\n/, "");
  const request = parseRequest(unescapeBytes(section("REQUEST") ?? "").replace(/\n$/, ""));
  const answer = parseAnswer(
    unescapeBytes(section("RESPONSE (") ?? "").replace(/\n$/, ""),
    request.method,
  );
  const date = headerOf(answer?.head, "Date");
  const isStream = answer?.isChunked() === true && request.method === "POST";
  return {
    name,
    family: name.split("_")[0] ?? "",
    note: (sections[0] ?? "").replace(/^# /, "").trim(),
    request,
    answer,
    dateSeconds: date === undefined ? undefined : Date.parse(date) / 1_000,
    events: parseEvents(section("EVENTS AS RECEIVED")),
    isStream,
    isEndedByMaster: answer?.isComplete === true,
    isHungUpAtOnce: text.split("\n", 1)[0]?.includes("hung up") === true,
  };
}

function unescapeBytes(text: string): string {
  return text
    .replaceAll("\\r\\n\n", "\r\n")
    .replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

function parseRequest(text: string): RecordedRequest {
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? Number.NaN);
  const rest = text.slice(end + 4);
  return {
    method: head.split(" ")[0] ?? "",
    head,
    body: Number.isNaN(length) ? rest.replace(/\n+$/, "") : rest.slice(0, length),
    port: Number(/^host: *[^:\r]+:(\d+)/im.exec(head)?.[1] ?? 0),
  };
}

function parseAnswer(text: string, method: string): AnswerReader | undefined {
  if (!text.startsWith("HTTP/")) return undefined;
  const reader = new AnswerReader({ isHead: method === "HEAD" });
  reader.push(Buffer.from(text, "latin1"));
  return reader;
}

function parseEvents(text: string | undefined): readonly RecordedEvent[] | undefined {
  if (text === undefined) return undefined;
  const found = text.matchAll(/^\+([\d.]+) \d+\n(.*)$/gm);
  return [...found].map(([, afterSeconds = "", json = ""]) => ({
    afterSeconds: Number(afterSeconds),
    json: Buffer.from(json, "latin1").toString("utf8"),
  }));
}
