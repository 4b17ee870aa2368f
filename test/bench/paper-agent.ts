/**
 * An agent that runs nothing: it speaks the link and says of every task that it runs. A task whose
 * command is "end" also ends at once.
 */
import { randomUUID } from "node:crypto";
import type { MessageName, Messages } from "../../worker/protocol/descriptors.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { scalar } from "../../worker/sdk/index.ts";

export class PaperAgent {
  readonly #master: string;
  readonly #resources: mesos.Resource[];
  readonly #abort = new AbortController();
  #session = randomUUID();
  #agentId: string | undefined;
  #relay = "";
  #acknowledged = 0n;
  #polls = 0;
  #reports = 0;
  readonly #running = new Map<string, link.AgentTask>();

  /** `reservedTo`: the role that all it has is reserved to; absent = unreserved. */
  constructor(
    master: string,
    resources: { readonly cpus: number; readonly mem: number; readonly reservedTo?: string },
  ) {
    const role = resources.reservedTo;
    const reservations = role === undefined ? undefined : [{ type: "STATIC", role } as const];
    this.#master = master;
    const amounts = [scalar("cpus", resources.cpus), scalar("mem", resources.mem)];
    this.#resources = amounts.map((amount) => ({ ...amount, reservations }));
  }

  /** `polls`: false for one that only has resources, and is thought lost after 75 s. */
  async register({ polls = true } = {}): Promise<void> {
    this.#session = randomUUID();
    const id = this.#agentId === undefined ? undefined : { value: this.#agentId };
    const answer = await this.#post(
      "register",
      "rimrock.link.RegisterRequest",
      "rimrock.link.RegisterResponse",
      {
        protocol_version: 1,
        session_id: this.#session,
        agent_info: { hostname: "paper", resources: this.#resources, id },
        ip: "127.0.0.1",
        version: "1.12.0",
        capabilities: [{ type: "MULTI_ROLE" }],
        tasks: [...this.#running.values()],
        last_command: this.#acknowledged,
      },
    );
    if (answer === undefined) throw new Error("the paper agent was not registered");
    this.#agentId = answer.agent_id.value;
    this.#relay = answer.relay_id;
    if (polls) void this.#poll();
  }

  stop(): void {
    this.#abort.abort();
  }

  async #poll(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const answer = await this.#post(
        `relay/${this.#relay}/poll`,
        "rimrock.link.PollRequest",
        "rimrock.link.PollResponse",
        {
          ...this.#who(),
          poll_number: ++this.#polls,
          acknowledged_command: this.#acknowledged,
        },
      );
      if (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
      else await this.#obey(answer.commands ?? []);
    }
  }

  async #obey(commands: readonly link.Command[]): Promise<void> {
    const updates: link.StatusUpdate[] = [];
    for (const { number, run_task } of commands) {
      if (number !== undefined) {
        if (number <= this.#acknowledged) continue;
        this.#acknowledged = number;
      }
      if (run_task !== undefined) updates.push(...this.#run(run_task, number ?? 0n));
    }
    if (updates.length === 0) return;
    await this.#post(
      `relay/${this.#relay}/report`,
      "rimrock.link.ReportRequest",
      "rimrock.link.ReportResponse",
      {
        ...this.#who(),
        report_number: ++this.#reports,
        updates,
      },
    );
  }

  #run({ framework, task }: link.CommandRunTask, run_number: bigint): link.StatusUpdate[] {
    const ends = task.command?.value === "end";
    const states = ends
      ? (["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] as const)
      : (["TASK_STARTING", "TASK_RUNNING"] as const);
    const framework_id = framework.id ?? { value: "" };
    return states.map((state) => ({
      framework_id,
      run_number,
      latest_state: states.at(-1) ?? "TASK_RUNNING",
      status: {
        task_id: task.task_id,
        state,
        source: "SOURCE_EXECUTOR",
        agent_id: task.agent_id,
        executor_id: { value: task.task_id.value },
        timestamp: Date.now() / 1_000,
        uuid: crypto.getRandomValues(new Uint8Array(16)),
      },
    }));
  }

  #who(): { agent_id: mesos.AgentID; session_id: string } {
    return { agent_id: { value: this.#agentId ?? "" }, session_id: this.#session };
  }

  /** Undefined: no answer, or not the one that was hoped for. */
  async #post<Q extends MessageName, A extends MessageName>(
    path: string,
    request: Q,
    answer: A,
    message: Messages[Q],
  ): Promise<Messages[A] | undefined> {
    try {
      const response = await fetch(`${this.#master}/agent-link/v1/${path}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: encodeJson(request, message),
        signal: this.#abort.signal,
      });
      const decoded = decodeJson(answer, await response.text());
      return response.ok && decoded.ok ? decoded.value : undefined;
    } catch {
      return undefined;
    }
  }
}
