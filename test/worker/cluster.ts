/**
 * A cluster inside workerd as its clients see it: frameworks and agents that speak HTTP to the
 * Worker.
 */
import { env, exports } from "cloudflare:workers";
import type { MasterObject } from "../../worker/durable/master-object.ts";
import { RecordDecoder } from "../../worker/protocol/wire/record-io.ts";
import type { RelayObject } from "../../worker/relay/relay-object.ts";

export function masterStub(): DurableObjectStub<MasterObject> {
  const stub = env.MASTER.get(env.MASTER.idFromName("default"));
  return stub as unknown as DurableObjectStub<MasterObject>;
}

export function relayStub(relayId = "relay-1"): DurableObjectStub<RelayObject> {
  const stub = env.RELAY.get(env.RELAY.idFromName(`default/${relayId}`));
  return stub as unknown as DurableObjectStub<RelayObject>;
}

export function request(path: string, init?: RequestInit): Promise<Response> {
  return exports.default.fetch(`http://master${path}`, init);
}

export function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** What a test looks at of an event; everything else is there as well. */
export interface TestEvent {
  readonly type: string;
  readonly subscribed?: { framework_id: { value: string } };
  readonly offers?: { offers: TestOffer[] };
  readonly update?: { status: TestStatus };
  readonly update_operation_status?: { status: TestOperationStatus };
  readonly error?: { message: string };
}
export interface TestOperationStatus {
  readonly operation_id: { value: string };
  readonly state: string;
  readonly uuid?: { value: string };
}
export interface TestOffer {
  readonly id: { value: string };
  readonly agent_id: { value: string };
  readonly resources: unknown[];
}
export interface TestStatus {
  readonly task_id: { value: string };
  readonly agent_id: { value: string };
  readonly state: string;
  readonly uuid?: string;
}

/** A framework with an open stream. */
export class TestFramework {
  readonly response: Response;
  readonly streamId: string;
  id = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new RecordDecoder(64 * 1024 * 1024);
  readonly #events: TestEvent[] = [];
  #pending: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;

  constructor(response: Response) {
    if (response.body === null) throw new Error("a SUBSCRIBE is answered with a stream");
    this.response = response;
    this.streamId = response.headers.get("Mesos-Stream-Id") ?? "";
    this.#reader = response.body.getReader();
  }

  static async subscribe(
    info: Record<string, unknown> = {},
    options: { id?: string } = {},
  ): Promise<TestFramework> {
    const id = options.id === undefined ? {} : { id: { value: options.id } };
    const response = await post("/api/v1/scheduler", {
      type: "SUBSCRIBE",
      ...(options.id === undefined ? {} : { framework_id: { value: options.id } }),
      subscribe: { framework_info: { user: "u", name: "test", ...info, ...id } },
    });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    const framework = new TestFramework(response);
    const { subscribed } = await framework.next("SUBSCRIBED");
    framework.id = subscribed?.framework_id.value ?? "";
    return framework;
  }

  /** The next event of this type; events of other types before it are passed over. */
  async next(type: string): Promise<TestEvent> {
    for (;;) {
      const event = await this.nextEvent();
      if (event === undefined) throw new Error(`the stream ended before ${type}`);
      if (event.type === type) return event;
    }
  }

  /** Undefined at the end of the stream. */
  async nextEvent(): Promise<TestEvent | undefined> {
    while (this.#events.length === 0) {
      this.#pending ??= this.#reader.read();
      const { done, value } = await this.#pending;
      this.#pending = undefined;
      if (done) return undefined;
      this.#push(value);
    }
    return this.#events.shift();
  }

  /** What has arrived when nothing more comes for `quietMs`. */
  async arrived(quietMs: number): Promise<TestEvent[]> {
    for (;;) {
      this.#pending ??= this.#reader.read();
      const read = await Promise.race([this.#pending, sleep(quietMs)]);
      if (read === undefined) return this.#events.splice(0);
      this.#pending = undefined;
      if (read.done) return this.#events.splice(0);
      this.#push(read.value);
    }
  }

  async ends(): Promise<boolean> {
    while ((await this.nextEvent()) !== undefined) {}
    return true;
  }

  call(type: string, body: Record<string, unknown> = {}): Promise<Response> {
    return post(
      "/api/v1/scheduler",
      { framework_id: { value: this.id }, type, ...body },
      { "Mesos-Stream-Id": this.streamId },
    );
  }

  launch(offer: TestOffer, taskId: string, extra: Record<string, unknown> = {}): Promise<Response> {
    const task = {
      name: taskId,
      task_id: { value: taskId },
      agent_id: offer.agent_id,
      resources: [scalar("cpus", 0.5), scalar("mem", 64)],
      command: { value: "true" },
      ...extra,
    };
    const operations = [{ type: "LAUNCH", launch: { task_infos: [task] } }];
    return this.call("ACCEPT", { accept: { offer_ids: [offer.id], operations } });
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }

  #push(chunk: Uint8Array): void {
    for (const record of this.#decoder.push(chunk).records) {
      this.#events.push(JSON.parse(new TextDecoder().decode(record)));
    }
  }
}

export interface TestCommand {
  readonly type: string;
  readonly number?: number;
  readonly run_task?: { task: { task_id: { value: string } } };
  readonly call?: { call_id: string; call: { type: string } };
}

/** An agent as the link sees it; it runs nothing. */
export class TestAgent {
  readonly sessionId: string;
  id = "";
  relayId = "";
  acknowledged = 0;
  #polls = 0;
  #reports = 0;

  constructor(sessionId = crypto.randomUUID()) {
    this.sessionId = sessionId;
  }

  static async register(
    options: { id?: string; cpus?: number; disk?: number; capabilities?: readonly string[] } = {},
  ): Promise<TestAgent> {
    const agent = new TestAgent();
    const response = await post("/agent-link/v1/register", {
      protocol_version: 1,
      session_id: agent.sessionId,
      ip: "10.0.0.1",
      version: "1.12.0",
      capabilities: options.capabilities?.map((type) => ({ type })),
      agent_info: {
        hostname: "host",
        port: 5051,
        ...(options.id === undefined ? {} : { id: { value: options.id } }),
        resources: [
          scalar("cpus", options.cpus ?? 4),
          scalar("mem", 1024),
          ...(options.disk === undefined ? [] : [scalar("disk", options.disk)]),
        ],
      },
    });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    const answer = await response.json<{ agent_id: { value: string }; relay_id: string }>();
    agent.id = answer.agent_id.value;
    agent.relayId = answer.relay_id;
    return agent;
  }

  poll(): Promise<Response> {
    return post(`/agent-link/v1/relay/${this.relayId}/poll`, {
      agent_id: { value: this.id },
      session_id: this.sessionId,
      poll_number: ++this.#polls,
      acknowledged_command: this.acknowledged,
    });
  }

  /** Polls until commands come, and acknowledges them with the next poll. */
  async commands(): Promise<TestCommand[]> {
    for (;;) {
      const response = await this.poll();
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      const { commands = [] } = await response.json<{ commands?: TestCommand[] }>();
      for (const { number } of commands)
        this.acknowledged = Math.max(this.acknowledged, number ?? 0);
      if (commands.length > 0) return commands;
    }
  }

  report(updates: unknown[]): Promise<Response> {
    return post(`/agent-link/v1/relay/${this.relayId}/report`, {
      agent_id: { value: this.id },
      session_id: this.sessionId,
      report_number: ++this.#reports,
      updates,
    });
  }

  /** A message of an executor to its framework. */
  sendMessage(message: unknown): Promise<Response> {
    return post(`/agent-link/v1/relay/${this.relayId}/report`, {
      agent_id: { value: this.id },
      session_id: this.sessionId,
      report_number: ++this.#reports,
      executor_messages: [message],
    });
  }

  /** Reports a task's states, oldest first. `run`: number of the command that launched it. */
  reportStates(
    frameworkId: string,
    taskId: string,
    { states, run }: { states: readonly string[]; run: number },
  ): Promise<Response> {
    const updates = states.map((state) => ({
      framework_id: { value: frameworkId },
      latest_state: states.at(-1),
      run_number: run,
      status: {
        task_id: { value: taskId },
        agent_id: { value: this.id },
        state,
        uuid: btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))),
        source: "SOURCE_EXECUTOR",
        timestamp: Date.now() / 1000,
      },
    }));
    return this.report(updates);
  }

  reportState(
    frameworkId: string,
    taskId: string,
    { state, run }: { state: string; run: number },
  ): Promise<Response> {
    return this.reportStates(frameworkId, taskId, { states: [state], run });
  }
}

export function scalar(name: string, value: number) {
  return { name, type: "SCALAR", scalar: { value } };
}

export function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined));
}
