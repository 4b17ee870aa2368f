/**
 * Reads of the master's state, between two turns: the operator API's read calls and the JSON
 * documents.
 */
import type { Counters } from "../core/metrics/counters.ts";
import { measure, metricsResponse, metricsText } from "../core/metrics/snapshot.ts";
import { documents } from "../core/operator/documents/index.ts";
import type { LongText } from "../core/operator/documents/long-text.ts";
import { systemStats } from "../core/operator/documents/system-stats.ts";
import { subscribedEvent } from "../core/operator/events.ts";
import { operatorCalls } from "../core/operator/index.ts";
import { type OwnReading, ownCalls } from "../core/operator/own/index.ts";
import { type Snapshot, takeSnapshot } from "../core/operator/snapshot.ts";
import type { MasterState } from "../core/state.ts";
import type { DocumentPath, OwnAnswer } from "../ports.ts";
import type * as own from "../protocol/own/operator.ts";
import type * as master from "../protocol/v1/master.ts";
import type { MessageEncoding } from "../protocol/wire/encoding.ts";
import { encodeJson } from "../protocol/wire/json.ts";
import {
  jsonLength,
  jsonPieces,
  type LongMessage,
  protobufLengths,
  protobufPieces,
} from "../protocol/wire/long-message.ts";
import { encodeProtobuf } from "../protocol/wire/protobuf.ts";
import { encodeUtf8 } from "../protocol/wire/utf8.ts";
import { assert, unreachable } from "../std/assert.ts";
import { err } from "../std/result.ts";
import type { LongRead, LongReads } from "./long-reads.ts";
import type { Piece } from "./slices.ts";

export interface Reading {
  readonly state: MasterState;
  readonly counters: Counters;
  readonly nowMs: number;
  /** What the object measures of itself. */
  readonly shell: Readonly<Record<string, number>>;
  readonly loggingLevel: number;
}

export function readCall(reading: Reading, call: master.Call): master.Response | undefined {
  const served = operatorCalls[call.type ?? "UNKNOWN"];
  if (served.kind === "READ") return served.read(reading.state, reading.nowMs, call);
  if (call.type !== "GET_LOGGING_LEVEL") return undefined;
  return { type: call.type, get_logging_level: { level: reading.loggingLevel } };
}

/** One of Rimrock's own calls, answered in slices: it may look at every agent. */
export async function askOwn(
  reads: LongReads,
  reading: () => Reading,
  call: own.Call,
): Promise<OwnAnswer> {
  const done = await reads.work(() => readOwn(reading(), call));
  if (done === undefined) return { type: "BUSY" };
  const { value: read } = done;
  if (!read.ok) return { type: "REFUSED", error: read.error };
  return { type: "ANSWERED", answer: read.value };
}

function* readOwn({ state, nowMs }: Reading, call: own.Call): OwnReading {
  const served = ownCalls[call.type];
  if (served.kind === "READ") return yield* served.read(state, nowMs, call);
  return err({ code: "CALL_NOT_SERVED", callType: call.type });
}

export function readDocument(
  reading: Reading,
  path: DocumentPath,
  query: Readonly<Record<string, string>>,
): string {
  const { pieces, close } = readLongDocument(reading, path, query);
  const text = [...pieces].join("");
  close();
  return text;
}

export function readLongDocument(
  reading: Reading,
  path: DocumentPath,
  query: Readonly<Record<string, string>>,
): LongText {
  if (path === "/metrics/snapshot") return { pieces: snapshotPieces(reading), close: () => {} };
  if (path === "/system/stats.json") return atOnce(systemStats(reading.shell));
  const document = documents[path](reading.state, query, reading.nowMs);
  return typeof document === "string" ? atOnce(document) : document;
}

/** The answer to a long call of the operator API. */
export function readLong(reading: Reading, call: master.Call, encoding: MessageEncoding): LongRead {
  if (call.type === "GET_METRICS") {
    return { pieces: metricsPieces(reading, encoding), close: () => {} };
  }
  const served = operatorCalls[call.type ?? "UNKNOWN"];
  assert(served.kind === "LONG_READ", `${call.type} is a long read`);
  const snapshot = takeSnapshot(reading.state);
  const message = served.read(snapshot, call);
  return { pieces: messagePieces(message, encoding), close: () => snapshot.cold.close() };
}

/** The record that a stream of operator events begins with. */
export function readSubscribed(snapshot: Snapshot, encoding: MessageEncoding): LongRead {
  const message = subscribedEvent(snapshot);
  return { pieces: recordPieces(message, encoding), close: () => snapshot.cold.close() };
}

function atOnce(text: string): LongText {
  return { pieces: [text], close: () => {} };
}

/** Begins to read at once, before anybody asks for the first piece. */
function snapshotPieces(reading: Reading): Iterable<string> {
  const measuring = measure(reading);
  return (function* pieces(): Generator<string> {
    yield metricsText(yield* pausing(measuring));
  })();
}

function metricsPieces(reading: Reading, encoding: MessageEncoding): Iterable<Piece> {
  const measuring = measure(reading);
  return (function* pieces(): Generator<Piece> {
    const response = metricsResponse(yield* pausing(measuring));
    yield encoded(response, encoding);
  })();
}

function encoded(response: master.Response, encoding: MessageEncoding): Piece {
  const name = "mesos.v1.master.Response";
  switch (encoding) {
    case "application/json":
      return encodeJson(name, response);
    case "application/x-protobuf":
      return encodeProtobuf(name, response);
    default:
      return unreachable(encoding);
  }
}

function* messagePieces(message: LongMessage, encoding: MessageEncoding): Generator<Piece> {
  switch (encoding) {
    case "application/json":
      yield* jsonPieces(message);
      return;
    case "application/x-protobuf":
      yield* protobufPieces(message, yield* pausing(protobufLengths(message)));
      return;
    default:
      unreachable(encoding);
  }
}

/** A record has its length in front, so everything is made twice. */
function* recordPieces(message: LongMessage, encoding: MessageEncoding): Generator<Piece> {
  switch (encoding) {
    case "application/json":
      yield `${yield* pausing(jsonLength(message))}\n`;
      yield* jsonPieces(message);
      return;
    case "application/x-protobuf": {
      const lengths = yield* pausing(protobufLengths(message));
      yield encodeUtf8(`${lengths[0]}\n`);
      yield* protobufPieces(message, lengths);
      return;
    }
    default:
      unreachable(encoding);
  }
}

/** Work that brings nothing to send, in the form of pieces. */
function* pausing<T>(work: Generator<undefined, T>): Generator<"", T> {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
    yield "";
  }
}
