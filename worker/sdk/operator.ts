/**
 * Questions to a cluster that need no framework: the master's operator API, and an agent's own API,
 * which is reached through the master (agents listen to nobody).
 */
import type { MessageName, Messages } from "../protocol/descriptors.ts";
import type * as agent from "../protocol/v1/agent.ts";
import type * as master from "../protocol/v1/master.ts";
import { SchedulerError } from "./error.ts";
import {
  type CallOptions,
  type GetOptions,
  MasterClient,
  type PostOptions,
} from "./master-client.ts";
import { inputRecords, processOutput } from "./process-stream.ts";
import { httpTransport, type Transport } from "./transport.ts";

/**
 * An agent's answer waits for its next poll when the agent is about to poll: more than a master's.
 */
const CALL_TIMEOUT_MS = 30_000;

export interface OperatorOptions {
  /** Base URL of the master, or of one cluster. */
  readonly master: string;
  readonly transport?: Transport;
  readonly callTimeoutMs?: number;
}

export type PutOptions<N extends MessageName> = Pick<PostOptions<N>, "path" | "name" | "message">;

/** All answers are rejections with a `SchedulerError` when something is wrong. */
export class Operator {
  readonly #client: MasterClient;

  constructor(options: OperatorOptions) {
    this.#client = new MasterClient({
      transport: httpTransport(),
      callTimeoutMs: CALL_TIMEOUT_MS,
      ...options,
    });
  }

  ask(call: master.Call, options: CallOptions = {}): Promise<master.Response> {
    const post = { path: "/api/v1", name: "mesos.v1.master.Call", message: call } as const;
    return this.#client.ask({ ...post, answer: "mesos.v1.master.Response" }, options);
  }

  /** A call that changes the cluster: it is answered with nothing, once it is carried out. */
  change(call: master.Call, options: CallOptions = {}): Promise<void> {
    return this.#client.post(
      { path: "/api/v1", name: "mesos.v1.master.Call", message: call },
      options,
    );
  }

  /** One of Rimrock's own questions, by its path: "/policy", "/audit?limit=5". */
  get<A extends MessageName>(get: GetOptions<A>, options: CallOptions = {}): Promise<Messages[A]> {
    return this.#client.get(get, options);
  }

  /** One that has parts of its own, and comes as a message: "/what-if". */
  post<N extends MessageName, A extends MessageName>(
    post: PutOptions<N> & { readonly answer: A },
    options: CallOptions = {},
  ): Promise<Messages[A]> {
    return this.#client.ask(post, options);
  }

  /** One of Rimrock's own changes: answered with nothing, once it is carried out. */
  put<N extends MessageName>(put: PutOptions<N>, options: CallOptions = {}): Promise<void> {
    return this.#client.post({ ...put, method: "PUT" }, options);
  }

  askAgent(agentId: string, call: agent.Call, options: CallOptions = {}): Promise<agent.Response> {
    const path = agentPath(agentId);
    const post = { path, name: "mesos.v1.agent.Call", message: call } as const;
    return this.#client.ask({ ...post, answer: "mesos.v1.agent.Response" }, options);
  }

  /**
   * A call whose answer is a stream of ProcessIO. Resolves when the agent has accepted it; the
   * stream ends when the container has, and breaks off with a `SchedulerError`.
   */
  async openAgentStream(
    agentId: string,
    call: agent.Call,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<agent.ProcessIO, void>> {
    const path = agentPath(agentId);
    const headers = {
      Accept: "application/recordio",
      "Message-Accept": "application/x-protobuf",
    };
    const post = { path, name: "mesos.v1.agent.Call", message: call, headers } as const;
    return processOutput(await this.#client.open(post, signal), signal);
  }

  /** Streams what a client types; resolves when the agent has taken all of it. */
  async sendAgentInput(
    agentId: string,
    input: AsyncIterable<agent.CallAttachContainerInput>,
    signal: AbortSignal,
  ): Promise<void> {
    const headers = {
      "Content-Type": "application/recordio",
      "Message-Content-Type": "application/x-protobuf",
    };
    const upload = { path: agentPath(agentId), headers, body: inputRecords(input) };
    const response = await this.#client.upload(upload, signal);
    await response.body?.cancel();
  }

  /**
   * One piece of a file on an agent; `data` is empty at the end, `size` the whole file's. Bytes.
   */
  async readFile(
    agentId: string,
    file: { readonly path: string; readonly offset: number; readonly length: number },
    options: CallOptions = {},
  ): Promise<{ readonly data: Uint8Array; readonly size: number }> {
    const { path, offset, length } = file;
    const read_file = { path, offset: BigInt(offset), length: BigInt(length) };
    const answer = await this.askAgent(agentId, { type: "READ_FILE", read_file }, options);
    if (answer.read_file === undefined) {
      const problem = `agent ${agentId} answered READ_FILE with ${answer.type ?? "nothing"}`;
      throw new SchedulerError("PROTOCOL", problem);
    }
    return { data: answer.read_file.data, size: Number(answer.read_file.size) };
  }
}

function agentPath(agentId: string): string {
  return `/agent/${encodeURIComponent(agentId)}/api/v1`;
}
