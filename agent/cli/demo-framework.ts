/**
 * The framework of `rimrock demo`: a small, complete example of one on the SDK. It spreads its
 * tasks evenly over the agents, kills one, follows the output of one, and collects how each ended.
 */

import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { SchedulerEvent } from "../../worker/sdk/event.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { takeResources } from "../../worker/sdk/resources.ts";
import { followFile, outputPath } from "../../worker/sdk/sandbox.ts";
import { Scheduler, type TaskToLaunch } from "../../worker/sdk/scheduler.ts";
import type { Transport } from "../../worker/sdk/transport.ts";

export interface DemoTask {
  readonly id: string;
  /** A line for `sh -c`. */
  readonly command: string;
  /** Killed as soon as it runs. */
  readonly isKilled?: true;
  /** Its output is shown while it runs. */
  readonly isFollowed?: true;
}

export interface DemoEnd {
  readonly task: DemoTask;
  readonly status: mesos.TaskStatus;
  readonly agentId: string;
  /** The whole of stdout, or of stderr when stdout is empty; only the beginning when it is long. */
  readonly output: string;
}

export interface DemoRequest {
  readonly master: string;
  readonly transport: Transport;
  readonly tasks: readonly DemoTask[];
  /** No agent gets more tasks than this. */
  readonly tasksPerAgentMax: number;
  readonly signal: AbortSignal;
  launched(tasks: readonly DemoTask[], agentId: string): void;
  changed(task: DemoTask, status: mesos.TaskStatus): void;
  line(task: DemoTask, text: string): void;
  /** The output of a task cannot be read, or the end not be told: the demo is to be aborted. */
  failed(error: unknown): void;
}

const WANTED = { cpus: 0.04, mem: 16 };
const OUTPUT_BYTES = 16 * 1024;
const POLL_MS = { initial: 50, max: 500 };
/** For an agent that does not answer after the end of the task. */
const GRACE_MS = 5_000;
const LEAVE_MS = 1_000;

export class DemoFramework {
  readonly #request: DemoRequest;
  readonly #scheduler: Scheduler;
  readonly #operator: Operator;
  readonly #waiting: DemoTask[];
  readonly #tasksOnAgent = new Map<string, number>();
  readonly #ends = new Map<string, Promise<DemoEnd>>();
  /** The outputs that are shown: task → what ends its following, and when all of it was shown. */
  readonly #shown = new Map<string, { end(): void; readonly drained: Promise<void> }>();
  #finishing: Promise<void> | undefined;

  constructor(request: DemoRequest) {
    const { master, transport } = request;
    this.#request = request;
    this.#scheduler = new Scheduler({ master, transport, framework: frameworkInfo() });
    this.#operator = new Operator({ master, transport });
    this.#waiting = [...request.tasks];
  }

  /**
   * Resolves when every task has ended and the framework is torn down, or without ends when
   * aborted.
   */
  async run(): Promise<readonly DemoEnd[]> {
    const { signal } = this.#request;
    const end = new AbortController();
    const leave = (): void => {
      const telling = this.#scheduler.teardown({ signal: AbortSignal.timeout(LEAVE_MS) });
      // A master that does not listen ends the tasks when the failover timeout is over.
      telling.catch(() => {}).finally(() => end.abort());
    };
    if (signal.aborted) end.abort();
    signal.addEventListener("abort", leave, { once: true });
    try {
      for await (const event of this.#scheduler.subscribe({ signal: end.signal })) {
        await this.#hear(event);
      }
    } catch (error) {
      // A call that was on its way when the demo was aborted has nobody to tell.
      if (!signal.aborted) throw error;
    }
    signal.removeEventListener("abort", leave);
    if (signal.aborted) return [];
    await this.#finishing;
    return Promise.all(this.#ends.values());
  }

  async #hear(event: SchedulerEvent): Promise<void> {
    if (event.type === "OFFERS") {
      for (const offer of event.offers) await this.#use(offer);
    } else if (event.type === "UPDATE") {
      const task = this.#request.tasks.find(({ id }) => id === event.status.task_id.value);
      if (task !== undefined) await this.#update(task, event.status);
    }
  }

  /** As many tasks as the offer has room for and the agent may still get. */
  async #use(offer: mesos.Offer): Promise<void> {
    const agentId = offer.agent_id.value;
    const launching: DemoTask[] = [];
    const infos: TaskToLaunch[] = [];
    let rest = offer.resources ?? [];
    const already = this.#tasksOnAgent.get(agentId) ?? 0;
    for (const task of this.#waiting.slice(0, this.#request.tasksPerAgentMax - already)) {
      const result = takeResources(rest, WANTED);
      if (!result.ok) break;
      rest = result.rest;
      launching.push(task);
      infos.push(taskInfo(task, result.taken));
    }
    if (launching.length === 0) return this.#scheduler.decline({ offer_ids: [offer.id] });
    this.#waiting.splice(0, launching.length);
    this.#tasksOnAgent.set(agentId, already + launching.length);
    this.#request.launched(launching, agentId);
    await this.#scheduler.launch(offer, infos);
    if (this.#waiting.length === 0) await this.#scheduler.suppress();
  }

  async #update(task: DemoTask, status: mesos.TaskStatus): Promise<void> {
    const agentId = status.agent_id?.value;
    this.#request.changed(task, status);
    if (status.state === "TASK_RUNNING" && agentId !== undefined) {
      if (task.isKilled) await this.#scheduler.kill({ task_id: status.task_id });
      if (task.isFollowed) this.#show(task, agentId);
    }
    if (!isTerminal(status.state) || this.#ends.has(task.id)) return;
    this.#shown.get(task.id)?.end();
    this.#ends.set(task.id, this.#collect(task, status));
    if (this.#ends.size === this.#request.tasks.length) this.#finish();
  }

  /** Not awaited in the loop, which ends with the teardown. */
  #finish(): void {
    this.#finishing = (async () => {
      await Promise.all([...this.#shown.values()].map(({ drained }) => drained));
      await Promise.all(this.#ends.values());
      await this.#scheduler.teardown();
    })();
    // `run` awaits it as well; without a teardown the loop has to be ended by other means.
    this.#finishing.catch((error) => this.#request.failed(error));
  }

  #show(task: DemoTask, agentId: string): void {
    if (this.#shown.has(task.id)) return;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { signal, line } = this.#request;
    const path = outputPath(this.#scheduler.frameworkId ?? "", task.id, "stdout");
    const follow = { agentId, path, pollMs: POLL_MS, graceMs: GRACE_MS, ended, signal };
    const drained = (async () => {
      const decoder = new TextDecoder();
      let held = "";
      for await (const bytes of followFile(this.#operator, follow)) {
        const lines = (held + decoder.decode(bytes, { stream: true })).split("\n");
        held = lines.pop() ?? "";
        for (const text of lines) line(task, text);
      }
    })();
    drained.catch((error) => this.#request.failed(error));
    this.#shown.set(task.id, { end, drained });
  }

  async #collect(task: DemoTask, status: mesos.TaskStatus): Promise<DemoEnd> {
    const { signal } = this.#request;
    const agentId = status.agent_id?.value ?? "";
    let output = "";
    for (const stream of ["stdout", "stderr"] as const) {
      // A task that never ran has no output.
      if (output !== "" || status.container_status === undefined) continue;
      const path = outputPath(this.#scheduler.frameworkId ?? "", task.id, stream);
      const file = { path, offset: 0, length: OUTPUT_BYTES };
      const { data } = await this.#operator.readFile(agentId, file, { signal });
      output = new TextDecoder().decode(data);
    }
    return { task, status, agentId, output };
  }
}

function frameworkInfo(): mesos.FrameworkInfo {
  return {
    // Empty: the agent's own user.
    user: "",
    name: "rimrock demo",
    roles: ["*"],
    failover_timeout: 30,
    capabilities: [
      { type: "MULTI_ROLE" },
      { type: "RESERVATION_REFINEMENT" },
      { type: "PARTITION_AWARE" },
    ],
  };
}

function taskInfo(task: DemoTask, resources: readonly mesos.Resource[]): TaskToLaunch {
  const { id, command } = task;
  return { name: id, task_id: { value: id }, resources, command: { value: command } };
}
