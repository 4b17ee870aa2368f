/**
 * A framework as an old client makes it, without the SDK: what is measured is the way through the
 * front door, the edge and the object, not the client. Calls go over connections that are kept.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { ANSWER_BYTES } from "../../worker/protocol/limits.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { RecordDecoder } from "../../worker/protocol/wire/record-io.ts";

const HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

export class RawFramework {
  readonly #path: URL;
  readonly #agent: Agent;
  readonly #stream = new Agent();
  #streamId = "";
  #frameworkId = "";
  #heard: (() => void) | undefined;
  /** Ids of the offers that have come and were not taken out, the oldest first. */
  offers: string[] = [];
  readonly #agents = new Map<string, string>();

  /** `connections`: at most so many calls are on their way at once. */
  constructor(master: string, connections: number) {
    this.#path = new URL("/api/v1/scheduler", master);
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Resolves when SUBSCRIBED has come. */
  async subscribe(roles: readonly string[], suppressed: readonly string[] = []): Promise<void> {
    const framework_info: mesos.FrameworkInfo = {
      user: "root",
      name: "raw",
      roles,
      capabilities: [{ type: "MULTI_ROLE" }],
    };
    const subscribe = { framework_info, suppressed_roles: suppressed };
    const answer = await this.#send({ type: "SUBSCRIBE", subscribe }, this.#stream);
    if (answer.statusCode !== 200) throw new Error(`SUBSCRIBE was answered ${answer.statusCode}`);
    this.#streamId = String(answer.headers["mesos-stream-id"]);
    const decoder = new RecordDecoder(ANSWER_BYTES);
    answer.on("data", (chunk: Uint8Array) => {
      for (const record of decoder.push(chunk).records) this.#event(record);
      this.#heard?.();
    });
    await this.#until(() => this.#frameworkId !== "");
  }

  /** Resolves when the call was answered with 202 and its connection is free again. */
  async call(call: scheduler.Call): Promise<void> {
    const framework_id = { value: this.#frameworkId };
    const answer = await this.#send({ framework_id, ...call }, this.#agent);
    answer.resume();
    await new Promise((resolve) => answer.on("end", resolve));
    if (answer.statusCode !== 202) throw new Error(`${call.type}: ${answer.statusCode}`);
  }

  /** Waits until so many offers are there and takes them out. */
  async takeOffers(count: number): Promise<string[]> {
    await this.#until(() => this.offers.length >= count);
    return this.offers.splice(0, count);
  }

  /** The agent that an offer is of. */
  agentOf(offerId: string): string {
    return this.#agents.get(offerId) ?? "";
  }

  close(): void {
    this.#agent.destroy();
    this.#stream.destroy();
  }

  #event(record: Uint8Array): void {
    // Its own master's events: what is read here is there.
    const event = JSON.parse(new TextDecoder().decode(record)) as scheduler.Event;
    if (event.subscribed !== undefined) this.#frameworkId = event.subscribed.framework_id.value;
    for (const { id, agent_id } of event.offers?.offers ?? []) {
      this.offers.push(id.value);
      this.#agents.set(id.value, agent_id.value);
    }
  }

  #until(wanted: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!wanted()) return;
        this.#heard = undefined;
        resolve();
      };
      this.#heard = look;
      look();
    });
  }

  #send(call: scheduler.Call, agent: Agent): Promise<IncomingMessage> {
    const body = JSON.stringify(call);
    const headers = { ...HEADERS, "Content-Length": Buffer.byteLength(body) };
    const stream = this.#streamId === "" ? {} : { "Mesos-Stream-Id": this.#streamId };
    return new Promise((resolve, reject) => {
      const options = { method: "POST", agent, headers: { ...headers, ...stream } };
      request(this.#path, options, resolve).on("error", reject).end(body);
    });
  }
}
