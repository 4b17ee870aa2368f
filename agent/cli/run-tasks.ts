/**
 * The framework behind `rimrock run`: some instances of one command, each launched once on the
 * first offer that fits, watched to its end.
 *
 * Invariants:
 * 1. An instance is launched again only when its last task provably never ran: the cluster said
 * that it was
 *    dropped, or does not know it, before any sign of life.
 * 2. A task that is not (or no longer) an instance's own is killed when it is heard of.
 * 3. The framework is torn down when all instances have ended and `output` has drained them.
 */
import { setMaxListeners } from "node:events";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { SchedulerError } from "../../worker/sdk/error.ts";
import type { SchedulerEvent } from "../../worker/sdk/event.ts";
import { Scheduler } from "../../worker/sdk/scheduler.ts";
import type { Transport } from "../../worker/sdk/transport.ts";
import { type Demand, fitTasks } from "./offer-fit.ts";

/** Offers that lack something come back when they have more, or after this; s. */
const REFUSE_SECONDS = 30;
/** Nothing on that agent will ever fit; s. */
const REFUSE_LONG_SECONDS = 3_600;
const LAUNCHES_MAX = 5;
/** A second Ctrl-C leaves at once; the framework is told if that takes no longer than this. */
const LEAVE_MS = 500;

/** What became of an instance. `status` undefined: it never got as far as a terminal state. */
export interface InstanceEnd {
  readonly instance: string;
  readonly status: mesos.TaskStatus | undefined;
}

export interface TaskPlace {
  readonly instance: string;
  readonly taskId: string;
  readonly frameworkId: string;
  readonly agentId: string;
  readonly executorId: string;
}

/** What happens, for whoever shows it. */
export interface RunListener {
  /** The task runs: its output is to be shown. Resolves when all of it was, or `signal` aborted. */
  output(place: TaskPlace, ended: Promise<void>, signal: AbortSignal): Promise<void>;
  status(instance: string, status: mesos.TaskStatus): void;
  disconnected(error: SchedulerError): void;
  reconnected(): void;
}

export interface WaitState {
  readonly pending: number;
  /** Agent id → why its last offer was of no use. */
  readonly misfits: ReadonlyMap<string, string>;
}

export interface RunRequest {
  readonly master: string;
  readonly transport: Transport;
  readonly framework: mesos.FrameworkInfo;
  /** Names of the instances, also those of their tasks. */
  readonly instances: readonly string[];
  readonly command: mesos.CommandInfo;
  readonly demand: Demand;
  readonly listener: RunListener;
}

interface Instance {
  readonly name: string;
  launches: number;
  /** The task that counts; undefined while an offer is waited for. */
  taskId: string | undefined;
  /** True once its task showed a sign of life. */
  hasRun: boolean;
  agentId: string | undefined;
  /** Resolves `ended` of the output, when it has begun. */
  endOutput: (() => void) | undefined;
  drained: Promise<void>;
  end: InstanceEnd | undefined;
}

export class RunFramework {
  readonly #request: RunRequest;
  readonly #scheduler: Scheduler;
  readonly #instances: Instance[];
  readonly #misfits = new Map<string, string>();
  readonly #leave = new AbortController();
  #wasSubscribed = false;
  #isLost = false;
  #isStopping = false;
  #hasLeft = false;
  #finishing: Promise<void> | undefined;

  constructor(request: RunRequest) {
    const { master, transport, framework } = request;
    this.#request = request;
    this.#scheduler = new Scheduler({ master, transport, framework });
    // Two outputs of every instance listen to it.
    setMaxListeners(0, this.#leave.signal);
    this.#instances = request.instances.map((name) => ({
      name,
      launches: 0,
      taskId: undefined,
      hasRun: false,
      agentId: undefined,
      endOutput: undefined,
      drained: Promise.resolve(),
      end: undefined,
    }));
  }

  /**
   * To the end of all instances. Throws what ends the subscription, also when there is no master at
   * first.
   */
  async run(): Promise<readonly InstanceEnd[]> {
    const { signal } = this.#leave;
    try {
      for await (const event of this.#scheduler.subscribe({ signal })) await this.#hear(event);
      if (!this.#hasLeft) await this.#finishing;
    } catch (error) {
      // A call that was on its way when the user left has nobody to tell.
      if (!this.#hasLeft) throw error;
    }
    return this.#instances.map(({ name, end }) => end ?? { instance: name, status: undefined });
  }

  /** Kills what runs, forgets what waits; `run` resolves when the last terminal state is there. */
  stop(): void {
    this.#isStopping = true;
    for (const instance of this.#instances) {
      if (instance.end !== undefined) continue;
      if (instance.taskId === undefined) this.#ended(instance, undefined);
      else this.#kill(instance.taskId, instance.agentId);
    }
    this.#finishIfDone();
  }

  /** Ends `run` now, whatever still runs; tells the master if it listens. */
  async leaveNow(): Promise<void> {
    this.#hasLeft = true;
    const telling = this.#scheduler.teardown({ signal: AbortSignal.timeout(LEAVE_MS) });
    await telling.catch(() => {
      // Nobody is there to be told; the failover timeout ends the tasks.
    });
    this.#leave.abort();
  }

  /** How many instances wait for an offer, and why the offers so far were of no use. */
  get waiting(): WaitState {
    return { pending: this.#pending().length, misfits: this.#misfits };
  }

  async #hear(event: SchedulerEvent): Promise<void> {
    const { listener } = this.#request;
    switch (event.type) {
      case "SUBSCRIBED":
        this.#wasSubscribed = true;
        if (this.#isLost) listener.reconnected();
        this.#isLost = false;
        return;
      case "DISCONNECTED":
        // Whoever types a command wants to know at once that there is no cluster.
        if (!this.#wasSubscribed) throw event.error;
        if (!this.#isLost) listener.disconnected(event.error);
        this.#isLost = true;
        return;
      case "OFFERS":
        for (const offer of event.offers) await this.#consider(offer);
        return;
      case "UPDATE":
        return this.#update(event.status);
      default:
        // Rescinded offers are never held, and lost agents show in their tasks' updates.
        return;
    }
  }

  #pending(): Instance[] {
    return this.#instances.filter(({ taskId, end }) => taskId === undefined && end === undefined);
  }

  async #consider(offer: mesos.Offer): Promise<void> {
    const { demand } = this.#request;
    const pending = this.#pending();
    const offer_ids = [offer.id];
    if (pending.length === 0) {
      await this.#scheduler.decline({
        offer_ids,
        filters: { refuse_seconds: REFUSE_LONG_SECONDS },
      });
      return;
    }
    const fitting = fitTasks(offer, demand, pending.length);
    if (!fitting.ok) {
      this.#misfits.set(offer.agent_id.value, fitting.error.sentence);
      const refuse_seconds = fitting.error.isPermanent ? REFUSE_LONG_SECONDS : REFUSE_SECONDS;
      await this.#scheduler.decline({ offer_ids, filters: { refuse_seconds } });
      return;
    }
    await this.#launch(offer, pending, fitting.value);
    if (this.#pending().length === 0) await this.#scheduler.suppress();
  }

  async #launch(
    offer: mesos.Offer,
    pending: readonly Instance[],
    resources: readonly (readonly mesos.Resource[])[],
  ): Promise<void> {
    const { command } = this.#request;
    const tasks = resources.flatMap((taken, at) => {
      const instance = pending[at];
      if (instance === undefined) return [];
      instance.launches += 1;
      const again = instance.launches === 1 ? "" : `.${instance.launches}`;
      instance.taskId = `${instance.name}${again}`;
      instance.agentId = offer.agent_id.value;
      const { name, taskId } = instance;
      return [{ name, task_id: { value: taskId }, resources: taken, command }];
    });
    try {
      await this.#scheduler.launch(offer, tasks, { filters: { refuse_seconds: REFUSE_SECONDS } });
    } catch (error) {
      // What became of the tasks is told by the updates that the scheduler now asks for.
      if (!SchedulerError.is(error) || !error.retryable) throw error;
    }
  }

  async #update(status: mesos.TaskStatus): Promise<void> {
    const taskId = status.task_id.value;
    const instance = this.#instances.find((it) => it.taskId === taskId);
    if (instance === undefined || instance.end !== undefined) {
      if (instance === undefined && !isTerminal(status.state) && status.state !== "TASK_UNKNOWN") {
        this.#kill(taskId, status.agent_id?.value);
      }
      return;
    }
    instance.agentId = status.agent_id?.value ?? instance.agentId;
    if (status.state === "TASK_STARTING" || status.state === "TASK_RUNNING") {
      instance.hasRun = true;
      this.#beginOutput(instance, status);
    }
    if (neverRan(instance, status)) return this.#tryAgain(instance, status);
    this.#request.listener.status(instance.name, status);
    // UNKNOWN is no state of a task's life, but nothing more will be heard of one that ran.
    const isOver = isTerminal(status.state) || status.state === "TASK_UNKNOWN";
    if (isOver) this.#ended(instance, status);
    this.#finishIfDone();
  }

  async #tryAgain(instance: Instance, status: mesos.TaskStatus): Promise<void> {
    if (this.#isStopping || instance.launches >= LAUNCHES_MAX) {
      this.#request.listener.status(instance.name, status);
      this.#ended(instance, status);
      return this.#finishIfDone();
    }
    instance.taskId = undefined;
    await this.#scheduler.revive();
  }

  #beginOutput(instance: Instance, status: mesos.TaskStatus): void {
    const { name, taskId, agentId } = instance;
    const frameworkId = this.#scheduler.frameworkId;
    if (instance.endOutput !== undefined || taskId === undefined) return;
    if (agentId === undefined || frameworkId === undefined) return;
    const executorId = status.executor_id?.value ?? taskId;
    const ended = new Promise<void>((resolve) => {
      instance.endOutput = resolve;
    });
    const place = { instance: name, taskId, frameworkId, agentId, executorId };
    instance.drained = this.#request.listener.output(place, ended, this.#leave.signal);
  }

  #ended(instance: Instance, status: mesos.TaskStatus | undefined): void {
    instance.end = { instance: instance.name, status };
    instance.endOutput?.();
  }

  /**
   * Not awaited by the events' loop: while the last output drains, the stream has to be watched.
   */
  #finishIfDone(): void {
    if (this.#instances.some(({ end }) => end === undefined)) return;
    this.#finishing ??= (async () => {
      // The events' loop first goes on, and with that acknowledges the update that ended the last
      // task.
      await new Promise((resolve) => setTimeout(resolve, 0));
      await Promise.all(this.#instances.map(({ drained }) => drained));
      await this.#scheduler.teardown();
    })();
    // Awaited by `run`; until then a failure must not count as unhandled.
    this.#finishing.catch(() => this.#leave.abort());
  }

  #kill(taskId: string, agentId: string | undefined): void {
    const agent_id = agentId === undefined ? {} : { agent_id: { value: agentId } };
    this.#scheduler.kill({ task_id: { value: taskId }, ...agent_id }).catch(() => {
      // Only the end of the subscription ends the repetitions of a kill, and `run` throws that.
    });
  }
}

/** The cluster never started this task: it says that it dropped it, or does not know it. */
function neverRan(instance: Instance, { state, reason }: mesos.TaskStatus): boolean {
  if (instance.hasRun) return false;
  if (state === "TASK_DROPPED") return true;
  const isUnknown = state === "TASK_GONE" || state === "TASK_LOST" || state === "TASK_UNKNOWN";
  return isUnknown && (reason === "REASON_RECONCILIATION" || reason === "REASON_INVALID_OFFERS");
}
