/** Calls of an agent's own API over HTTP, streams included, as the tests make them. */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type * as agent from "../../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../../worker/protocol/wire/json.ts";
import { encodeRecord, RecordDecoder } from "../../../worker/protocol/wire/record-io.ts";
import { defined } from "../../../worker/std/assert.ts";

export type Headers = Readonly<Record<string, string>>;

const JSON_TYPE = "application/json";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** Of a 200 with something in it. */
  readonly message: agent.Response | undefined;
}

/** One call, whose answer is no stream. */
export async function callAgent(
  port: number,
  call: agent.Call | object,
  headers: Headers = {},
): Promise<Reply> {
  const { response } = await send(port, JSON.stringify(call), {
    "Content-Type": JSON_TYPE,
    ...headers,
  });
  const text = await textOf(response);
  const status = response.statusCode ?? 0;
  const decoded = status === 200 && text !== "" && decodeJson("mesos.v1.agent.Response", text);
  const message = decoded !== false && decoded.ok ? decoded.value : undefined;
  return { status, headers: response.headers, text, message };
}

/** An answer that goes on. */
export interface Stream {
  readonly headers: IncomingMessage["headers"];
  readonly status: number;
  /** All of it so far. */
  out(): Buffer;
  err(): Buffer;
  heartbeats(): number;
  /** Resolves when it has ended; rejects when it broke off. */
  readonly ended: Promise<void>;
  pause(): void;
  resume(): void;
  hangUp(): void;
}

export async function openStream(
  port: number,
  call: agent.Call | object,
  headers: Headers = {},
): Promise<Stream> {
  const { response } = await send(port, JSON.stringify(call), {
    "Content-Type": JSON_TYPE,
    ...headers,
  });
  const pieces: Record<"STDOUT" | "STDERR", Buffer[]> = { STDOUT: [], STDERR: [] };
  let heartbeats = 0;
  const decoder = new RecordDecoder(10_000_000);
  response.on("data", (chunk: Buffer) => {
    for (const record of decoder.push(chunk).records) {
      const io = decodeJson("mesos.v1.agent.ProcessIO", Buffer.from(record).toString());
      if (!io.ok) throw new Error(JSON.stringify(io.error));
      const { type, data, control } = io.value;
      if (control?.type === "HEARTBEAT") heartbeats++;
      if (type === "DATA" && (data?.type === "STDOUT" || data?.type === "STDERR")) {
        pieces[data.type].push(Buffer.from(data.data ?? []));
      }
    }
  });
  const ended = new Promise<void>((resolve, reject) => {
    response.on("end", resolve);
    response.on("error", reject);
  });
  ended.catch(() => {});
  return {
    headers: response.headers,
    status: response.statusCode ?? 0,
    out: () => Buffer.concat(pieces.STDOUT),
    err: () => Buffer.concat(pieces.STDERR),
    heartbeats: () => heartbeats,
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    hangUp: () => response.destroy(),
  };
}

/** A stream of input records. */
export interface Input {
  send(io: agent.ProcessIO): void;
  type(text: string): void;
  sendRaw(bytes: Uint8Array): void;
  end(): void;
  hangUp(): void;
  /** What it was answered with, in the end. */
  readonly answer: Promise<{ readonly status: number; readonly text: string }>;
}

export function attachInput(port: number, id: mesos.ContainerID | undefined): Input {
  const headers = { "Content-Type": "application/recordio", "Message-Content-Type": JSON_TYPE };
  const options = { host: "127.0.0.1", port, path: "/api/v1", method: "POST", headers };
  const sent = request(options);
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    sent.on("response", (response) =>
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject),
    );
    sent.on("error", reject);
  });
  answer.catch(() => {});
  const record = (part: agent.CallAttachContainerInput): void => {
    const call: agent.Call = { type: "ATTACH_CONTAINER_INPUT", attach_container_input: part };
    sent.write(encodeRecord(Buffer.from(encodeJson("mesos.v1.agent.Call", call))));
  };
  if (id !== undefined) record({ type: "CONTAINER_ID", container_id: id });
  const io = (process_io: agent.ProcessIO): void => record({ type: "PROCESS_IO", process_io });
  return {
    send: io,
    type: (text) => io({ type: "DATA", data: { type: "STDIN", data: Buffer.from(text) } }),
    sendRaw: (bytes) => void sent.write(bytes),
    end: () => void sent.end(),
    hangUp: () => sent.destroy(),
    answer,
  };
}

/** Waits until something is found; `what` says it in the failure. */
export async function until<T>(
  what: string,
  find: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const endMs = Date.now() + 10_000;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > endMs) throw new Error(`never happened: ${what}`);
    await sleep(10);
  }
}

/** The names of the containers, tasks' and their own. */
export async function containersOf(port: number): Promise<readonly mesos.ContainerID[]> {
  const call = { type: "GET_CONTAINERS", get_containers: { show_nested: true } };
  const { message } = await callAgent(port, call);
  return (message?.get_containers?.containers ?? []).flatMap(({ container_id }) =>
    container_id === undefined ? [] : [container_id],
  );
}

export async function onlyContainer(port: number): Promise<mesos.ContainerID> {
  return await until("there is a container", async () => (await containersOf(port))[0]);
}

function send(
  port: number,
  body: string,
  headers: Headers,
): Promise<{ readonly response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/api/v1", method: "POST", headers };
    const sent = request(options, (response) => resolve({ response }));
    sent.on("error", reject);
    sent.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

export function childOf(parent: mesos.ContainerID, value: string): mesos.ContainerID {
  return { value, parent };
}

export function present<T>(value: T | undefined): T {
  return defined(value, "the answer has it");
}

/** A word that no other process on this machine has in its command line. */
export function newMark(): string {
  return `mark-${randomUUID()}`;
}

/** Live processes with this text in their command line, in whatever namespace. */
export function processesWith(text: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // That of a zombie is empty.
        return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}
