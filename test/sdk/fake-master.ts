/**
 * A master in this process, as far as a scheduler can see: it speaks RecordIO, gives stream ids and
 * checks them, remembers every call, and does what a test tells it (cut, fall silent, refuse, be
 * away).
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as wire from "../../worker/protocol/v1/scheduler.ts";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeRecord } from "../../worker/protocol/wire/record-io.ts";
import { inProcessTransport, type RequestHandler } from "../../worker/sdk/transport.ts";

export const MASTER_URL = "http://master.test:5050";

export class FakeMaster {
  readonly calls: wire.Call[] = [];
  readonly streamIds: string[] = [];
  /** How the bytes of a record are cut into chunks. */
  cutChunks: (record: Uint8Array) => readonly Uint8Array[] = (record) => [record];
  /**
   * Answers that are given instead of the usual ones, first come first served, to calls of that
   * type.
   */
  readonly refusals: { readonly type: wire.CallType; readonly answer: () => Response }[] = [];
  /** Set: nothing is reachable. */
  away = false;
  heartbeatSeconds = 15;
  /** False: a subscription is answered with no event at all. */
  welcomes = true;
  /** Other requests than scheduler calls. */
  other: RequestHandler = (request) => new Response(`no ${request.url}`, { status: 404 });
  /** Called with every scheduler call after it was answered with 202. */
  onCall: (call: wire.Call) => void = () => {};
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  #waiting: (() => void)[] = [];

  readonly transport = inProcessTransport(async (request) => {
    if (this.away) throw new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
    const url = new URL(request.url);
    if (!url.pathname.endsWith("/api/v1/scheduler")) return this.other(request);
    const call = decodeJson("mesos.v1.scheduler.Call", await request.text());
    if (!call.ok) return new Response(JSON.stringify(call.error), { status: 400 });
    return this.#answer(call.value, request.headers.get("Mesos-Stream-Id"));
  });

  get connected(): boolean {
    return this.#stream !== undefined;
  }

  callsOf(type: wire.CallType): readonly wire.Call[] {
    return this.calls.filter((call) => call.type === type);
  }

  /** Waits until `condition` holds; it is looked at after every call and every few ms. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`still not: ${condition}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 5);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  send(event: wire.Event): void {
    const record = encodeRecord(
      new TextEncoder().encode(encodeJson("mesos.v1.scheduler.Event", event)),
    );
    for (const chunk of this.cutChunks(record)) this.sendBytes(chunk);
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#stream === undefined) throw new Error("nobody is subscribed");
    this.#stream.enqueue(bytes);
  }

  update(taskId: string, state: mesos.TaskState, more: Partial<mesos.TaskStatus> = {}): void {
    const status = { task_id: { value: taskId }, state, agent_id: { value: "A1" }, ...more };
    this.send({ type: "UPDATE", update: { status } });
  }

  offer(...offers: readonly mesos.Offer[]): void {
    this.send({ type: "OFFERS", offers: { offers } });
  }

  /** Ends the stream in an orderly way, as a closing proxy does. */
  cut(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  #answer(call: wire.Call, streamId: string | null): Response {
    this.calls.push(call);
    const refused = this.refusals.findIndex(({ type }) => type === call.type);
    try {
      if (refused >= 0) {
        const [refusal] = this.refusals.splice(refused, 1);
        if (refusal !== undefined) return refusal.answer();
      }
      if (call.type === "SUBSCRIBE") return this.#subscribe(call, streamId);
      if (call.framework_id === undefined) return new Response("no framework_id", { status: 400 });
      if (this.#stream === undefined) {
        return new Response("Framework is not subscribed", { status: 403 });
      }
      if (streamId !== this.streamIds.at(-1)) {
        return new Response("The stream ID is not the live one's", { status: 400 });
      }
      queueMicrotask(() => this.onCall(call));
      if (call.type === "TEARDOWN") this.cut();
      return new Response(null, { status: 202 });
    } finally {
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  #subscribe(call: wire.Call, streamId: string | null): Response {
    if (streamId !== null) return new Response("SUBSCRIBE with a stream id", { status: 400 });
    this.cut();
    const id = `stream-${this.streamIds.length + 1}`;
    this.streamIds.push(id);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
      },
      cancel: () => {
        if (this.streamIds.at(-1) === id) this.#stream = undefined;
      },
    });
    const framework_id = call.framework_id ?? { value: "F1" };
    const heartbeat_interval_seconds = this.heartbeatSeconds;
    if (this.welcomes) {
      this.send({ type: "SUBSCRIBED", subscribed: { framework_id, heartbeat_interval_seconds } });
      this.send({ type: "HEARTBEAT" });
    }
    return new Response(body, { headers: { "Mesos-Stream-Id": id } });
  }
}

export function anOffer(id: string, more: Partial<mesos.Offer> = {}): mesos.Offer {
  return {
    id: { value: id },
    framework_id: { value: "F1" },
    agent_id: { value: "A1" },
    hostname: "a1.test",
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 4 } },
      { name: "mem", type: "SCALAR", scalar: { value: 1024 } },
    ],
    ...more,
  };
}

/** Sixteen bytes that name an update. */
export function aUuid(seed: number): Uint8Array {
  return new Uint8Array(16).fill(seed);
}
