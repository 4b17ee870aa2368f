/**
 * A master and relay in one, as far as an agent can see them: it hands out commands and keeps what
 * it is told.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageName, Messages } from "../../../worker/protocol/descriptors.ts";
import type * as link from "../../../worker/protocol/link/messages.ts";
import type * as agent from "../../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../../worker/protocol/wire/json.ts";
import { assert, defined } from "../../../worker/std/assert.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const PREFIX = "/c/test";

export class FakeMaster {
  readonly registrations: link.RegisterRequest[] = [];
  readonly updates: link.StatusUpdate[] = [];
  readonly reports: link.ReportRequest[] = [];
  acknowledged = 0n;
  polls = 0;
  connections = 0;
  /** Answers every update with an ACKNOWLEDGE. */
  acknowledges = true;
  /** The next message of each kind of path is answered with this status instead. */
  readonly refusals = new Map<string, Answer>();
  readonly #server: Server;
  #port = 0;
  #number = 0n;
  #numbered: link.Command[] = [];
  #volatile: link.Command[] = [];
  #held: ServerResponse | undefined;
  readonly #replies = new Map<string, link.CallReply[]>();

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", () => this.connections++);
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
    // `listen` on TCP gives an address with a port.
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Goes away, as a killed process does. `start` brings it back on the same port. */
  async stop(): Promise<void> {
    this.#held = undefined;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}${PREFIX}`;
  }

  /** A numbered command; its number. */
  send(command: Omit<link.Command, "number">): bigint {
    const number = ++this.#number;
    this.#numbered.push({ ...command, number });
    this.#flush();
    return number;
  }

  sendVolatile(command: link.Command): void {
    this.#volatile.push(command);
    this.#flush();
  }

  run(taskId: string, command: string, more: Partial<mesos.TaskInfo> = {}): bigint {
    const run_task = { framework: FRAMEWORK, task: { ...taskOf(taskId, command), ...more } };
    return this.send({ type: "RUN_TASK", run_task });
  }

  /** A group of an executor: the tasks' commands by their ids. */
  runGroup(
    executorId: string,
    commands: Readonly<Record<string, string>>,
    more: Partial<mesos.TaskInfo> = {},
  ): bigint {
    const run_task_group = {
      framework: FRAMEWORK,
      executor: { type: "DEFAULT", executor_id: { value: executorId } } as const,
      task_group: {
        tasks: Object.entries(commands).map(([taskId, command]) => ({
          ...taskOf(taskId, command),
          ...more,
        })),
      },
    };
    return this.send({ type: "RUN_TASK_GROUP", run_task_group });
  }

  /** Executors whose exit was told. */
  get exited(): readonly string[] {
    const exits = this.reports.flatMap(({ executor_exits }) => executor_exits ?? []);
    return exits.map(({ executor_id }) => executor_id.value);
  }

  /** The answer of the agent's own API. */
  async call(
    call: agent.Call,
    timeoutMs?: number,
  ): Promise<{ status: number; body: string; pieces: number }> {
    const call_id = `call-${++this.#number}`;
    this.sendVolatile({ type: "CALL", call: { call_id, call } });
    const answered = (): readonly link.CallReply[] | undefined => {
      const all = this.#replies.get(call_id);
      return all?.at(-1)?.last === true ? all : undefined;
    };
    const replies = await this.until("the call is answered", answered, timeoutMs);
    const bytes = Buffer.concat(replies.map(({ data }) => data ?? new Uint8Array()));
    return {
      status: replies[0]?.status ?? 0,
      body: bytes.toString("utf8"),
      pieces: replies.length,
    };
  }

  statesOf(taskId: string): mesos.TaskState[] {
    const seen = new Set<string>();
    const mine = this.updates.filter(({ status }) => status.task_id.value === taskId);
    return mine
      .filter(({ status }) => !seen.has(String(status.uuid)) && seen.add(String(status.uuid)))
      .map(({ status }) => status.state);
  }

  async state(taskId: string, state: mesos.TaskState): Promise<mesos.TaskStatus> {
    return await this.until(`${taskId} is ${state}`, () =>
      this.updates
        .map(({ status }) => status)
        .find((status) => status.task_id.value === taskId && status.state === state),
    );
  }

  /** Waits until `find` finds something. */
  async until<T>(what: string, find: () => T | undefined, timeoutMs = 10_000): Promise<T> {
    const endMs = Date.now() + timeoutMs;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (Date.now() > endMs) throw new Error(`not in ${timeoutMs} ms: ${what}`);
      await sleep(5);
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const verb = defined(request.url?.split("/").at(-1), "a request has a path");
    assert(request.url?.startsWith(`${PREFIX}/agent-link/v1/`), "the path has the prefix");
    const refusal = this.refusals.get(verb);
    if (refusal !== undefined) {
      this.refusals.delete(verb);
      response.writeHead(refusal.status).end(refusal.body);
      return;
    }
    switch (verb) {
      case "register":
        this.registrations.push(decoded("rimrock.link.RegisterRequest", text));
        return answer(response, "rimrock.link.RegisterResponse", {
          agent_id: this.registrations.at(-1)?.agent_info.id ?? { value: "test-S0" },
          relay_id: "r 1",
          poll_hold_seconds: 25,
        });
      case "poll":
        return this.#poll(decoded("rimrock.link.PollRequest", text), response);
      case "report":
        this.#report(decoded("rimrock.link.ReportRequest", text));
        return answer(response, "rimrock.link.ReportResponse", {});
      default: {
        const reply = decoded("rimrock.link.CallReply", text);
        this.#replies.set(reply.call_id, [...(this.#replies.get(reply.call_id) ?? []), reply]);
        return answer(response, "rimrock.link.ReportResponse", {});
      }
    }
  }

  #poll({ acknowledged_command }: link.PollRequest, response: ServerResponse): void {
    this.polls++;
    this.acknowledged = acknowledged_command;
    this.#numbered = this.#numbered.filter(({ number }) => (number ?? 0n) > acknowledged_command);
    this.#held?.destroy();
    this.#held = response;
    this.#flush();
  }

  #flush(): void {
    const commands = [...this.#numbered, ...this.#volatile];
    if (this.#held === undefined || commands.length === 0) return;
    const response = this.#held;
    this.#held = undefined;
    this.#volatile = [];
    answer(response, "rimrock.link.PollResponse", { commands });
  }

  #report(report: link.ReportRequest): void {
    this.reports.push(report);
    for (const update of report.updates ?? []) {
      this.updates.push(update);
      const { uuid, task_id } = update.status;
      if (!this.acknowledges || uuid === undefined) continue;
      const acknowledge = { framework_id: update.framework_id, task_id, uuid };
      this.#volatile.push({ type: "ACKNOWLEDGE", acknowledge });
    }
    this.#flush();
  }
}

const FRAMEWORK: mesos.FrameworkInfo = { id: { value: "f1" }, user: "root", name: "f1" };

function taskOf(taskId: string, command: string): mesos.TaskInfo {
  return {
    name: taskId,
    task_id: { value: taskId },
    agent_id: { value: "test-S0" },
    command: { value: command },
    resources: [{ name: "cpus", type: "SCALAR", scalar: { value: 0.1 } }],
  };
}

function decoded<N extends MessageName>(name: N, text: string): Messages[N] {
  const result = decodeJson(name, text);
  assert(result.ok, `${name} decodes: ${text.slice(0, 200)}`);
  return result.value;
}

function answer<N extends MessageName>(
  response: ServerResponse,
  name: N,
  message: Messages[N],
): void {
  response.writeHead(200, { "content-type": "application/json" }).end(encodeJson(name, message));
}
