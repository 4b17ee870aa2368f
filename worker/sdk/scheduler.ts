/**
 * A framework's side of the v1 scheduler API, on web standards only.
 *
 *     const scheduler = new Scheduler({ master: "http://127.0.0.1:5050", framework: { user: "", name: "mine" } });
 *     for await (const event of scheduler.subscribe()) {
 *       if (event.type === "OFFERS") for (const offer of event.offers) await
 *       scheduler.launch(offer, tasksFor(offer));
 *       if (event.type === "UPDATE") console.log(event.status.task_id.value, event.status.state);
 *     }
 *
 * What it does by itself:
 * 1. Subscribes again when the stream is lost, with jittered back-off and the same framework id; a
 *    DISCONNECTED event says so. Offers of the lost stream that were not looked at yet are thrown
 *    away.
 * 2. Then asks about every task it believes alive (reconciliation), again with back-off until each
 * is
 *    answered; the answers are ordinary UPDATE events. A scheduler that starts with a framework id
 *    asks
 *    for all tasks once.
 * 3. Acknowledges an update when the author's code has finished with it: when the next event is
 * asked
 *    for. An update that comes again after that is acknowledged again and not delivered twice.
 * 4. Repeats calls that may be repeated (kill, reconcile, revive, suppress, shutdown, teardown)
 * over a
 *    lost stream. An ACCEPT is never repeated: it rejects, and what became of its tasks is told by
 *    the
 *    reconciliation.
 *
 * Everything that fails does so with a `SchedulerError`.
 */
import type { FrameworkId } from "../protocol/ids.ts";
import { TASKS_PER_RECONCILE } from "../protocol/limits.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import type * as wire from "../protocol/v1/scheduler.ts";
import { type BackOffOptions, backOffMs, pause } from "./back-off.ts";
import { Connection } from "./connection.ts";
import { SchedulerError } from "./error.ts";
import type { SchedulerEvent, SchedulerEventType } from "./event.ts";
import { Inbox } from "./inbox.ts";
import { type CallOptions, MasterClient } from "./master-client.ts";
import { TaskLedger } from "./task-ledger.ts";
import { httpTransport, type Transport } from "./transport.ts";

/** What holds where the options say nothing else. */
export const SCHEDULER_DEFAULTS = {
  acknowledge: "AUTOMATIC",
  backOff: { initialMs: 200, maxMs: 15_000 },
  reconcileBackOff: { initialMs: 5_000, maxMs: 60_000 },
  callTimeoutMs: 15_000,
  subscribeTimeoutMs: 30_000,
  heartbeatsMissedMax: 5,
} as const;

/** Events that wait for the author before the stream is no longer read. */
const INBOX_LIMIT = 1_000;
/** Acknowledgements on their way at the same time. */
const ACKNOWLEDGEMENTS_MAX = 16;

export interface SchedulerOptions {
  /** Base URL of the master, or of one cluster: "https://host/c/blue". */
  readonly master: string;
  /** With `id` set: the framework that this scheduler takes over. */
  readonly framework: mesos.FrameworkInfo;
  readonly transport?: Transport;
  /**
   * AUTOMATIC: after the author's code. EXPLICIT: only `acknowledge()` does, and repetitions are
   * delivered.
   */
  readonly acknowledge?: "AUTOMATIC" | "EXPLICIT";
  readonly backOff?: BackOffOptions;
  readonly reconcileBackOff?: BackOffOptions;
  readonly callTimeoutMs?: number;
  readonly subscribeTimeoutMs?: number;
  readonly heartbeatsMissedMax?: number;
  /** In [0, 1), for the jitter. */
  readonly random?: () => number;
}

/** A task as `launch` takes it: the agent is the offer's. */
export type TaskToLaunch = Omit<mesos.TaskInfo, "agent_id">;

export type Handlers = {
  readonly [T in SchedulerEventType]?: (event: SchedulerEvent<T>) => void | Promise<void>;
};

interface Session {
  readonly abort: AbortController;
  readonly inbox: Inbox<SchedulerEvent>;
}

export class Scheduler {
  readonly #options: Required<SchedulerOptions>;
  readonly #client: MasterClient;
  readonly #connection: Connection;
  readonly #ledger = new TaskLedger();
  readonly #suppressedRoles = new Set<string>();
  readonly #acknowledging = new Set<Promise<void>>();
  #framework: mesos.FrameworkInfo;
  #session: Session | undefined;
  #tearingDown = false;
  /** A refused acknowledgement, to be thrown where the author looks next. */
  #acknowledgementError: SchedulerError | undefined;
  /** Ends the round of reconciliation that the next one replaces. */
  #reconciling = new AbortController();
  #isAsking = false;

  constructor(options: SchedulerOptions) {
    const transport = options.transport ?? httpTransport();
    this.#options = { random: Math.random, ...SCHEDULER_DEFAULTS, ...options, transport };
    this.#framework = options.framework;
    this.#reconciling.abort();
    this.#client = new MasterClient(this.#options);
    this.#connection = new Connection({
      ...this.#options,
      client: this.#client,
      subscribeCall: (frameworkId) => this.#subscribeCall(frameworkId),
    });
  }

  /** Known from the first SUBSCRIBED on; keep it to take the framework over after a restart. */
  get frameworkId(): FrameworkId | undefined {
    return this.#connection.frameworkId;
  }

  /** True while a stream is up. */
  get subscribed(): boolean {
    return this.#connection.subscribed;
  }

  /** Where the leading master was found. */
  get masterUrl(): string {
    return this.#client.url;
  }

  /**
   * The framework's events, from now until `signal` aborts, `teardown` is done or the loop is left.
   *
   * Throws a `SchedulerError` when subscribing again cannot help. Leaving the loop closes the
   * stream without tearing the framework down; the update in hand is then not acknowledged.
   */
  async *subscribe(options: CallOptions = {}): AsyncGenerator<SchedulerEvent, void> {
    if (this.#session !== undefined) {
      throw new SchedulerError(
        "INVALID_CALL",
        "this scheduler is subscribed already: use one loop",
      );
    }
    const session = { abort: new AbortController(), inbox: new Inbox<SchedulerEvent>(INBOX_LIMIT) };
    this.#session = session;
    this.#tearingDown = false;
    this.#ledger.forgetDelivered();
    const stop = (): void => end(session);
    if (options.signal?.aborted) stop();
    options.signal?.addEventListener("abort", stop, { once: true });
    const pump = this.#pump(session);
    try {
      for (;;) {
        const event = await session.inbox.take();
        if (event === undefined) return;
        yield event;
        await this.#finished(event);
      }
    } finally {
      options.signal?.removeEventListener("abort", stop);
      stop();
      await pump;
      await Promise.allSettled(this.#acknowledging);
      this.#session = undefined;
    }
  }

  /** `subscribe` with a handler per event type; each is awaited before the next event. */
  async run(handlers: Handlers, options: CallOptions = {}): Promise<void> {
    for await (const event of this.subscribe(options)) await handle(handlers, event);
  }

  /** Launches tasks on one offer; what they leave of it is refused for `filters.refuse_seconds`. */
  launch(
    offer: mesos.Offer,
    tasks: readonly TaskToLaunch[],
    options: CallOptions & { readonly filters?: mesos.Filters } = {},
  ): Promise<void> {
    const task_infos = tasks.map((task) => ({ ...task, agent_id: offer.agent_id }));
    const { filters, ...callOptions } = options;
    const operations = [{ type: "LAUNCH", launch: { task_infos } }] as const;
    const accept = { offer_ids: [offer.id], operations, ...(filters && { filters }) };
    return this.accept(accept, callOptions);
  }

  /**
   * Never repeated. After a rejection that is `retryable`, UPDATE events tell what became of the
   * tasks.
   */
  async accept(accept: wire.CallAccept, options: CallOptions = {}): Promise<void> {
    const taskIds = this.#ledger.launched(accept.operations ?? []);
    try {
      await this.#connection.once({ type: "ACCEPT", accept }, options);
    } catch (error) {
      // On a stream that is still up nothing else would ask; a new stream asks about all tasks.
      this.#ledger.ask(taskIds);
      this.#askUntilAnswered();
      throw error;
    }
  }

  /** A lost stream is no failure here: it took the offers back already. */
  decline(decline: wire.CallDecline, options: CallOptions = {}): Promise<void> {
    return this.#connection.whileLive({ type: "DECLINE", decline }, options);
  }

  /** Drops the refusals of `roles`, or of all; offers come at once. */
  revive(revive: wire.CallRevive = {}, options: CallOptions = {}): Promise<void> {
    for (const role of revive.roles ?? this.#roles()) this.#suppressedRoles.delete(role);
    return this.#connection.repeated({ type: "REVIVE", revive }, options);
  }

  /** No more offers for `roles`, or for all, until revived; holds over a re-subscription. */
  suppress(suppress: wire.CallSuppress = {}, options: CallOptions = {}): Promise<void> {
    for (const role of suppress.roles ?? this.#roles()) this.#suppressedRoles.add(role);
    return this.#connection.repeated({ type: "SUPPRESS", suppress }, options);
  }

  /** Resolves when the master took the call; that the task ended is told by an UPDATE. */
  kill(kill: wire.CallKill, options: CallOptions = {}): Promise<void> {
    return this.#connection.repeated({ type: "KILL", kill }, options);
  }

  shutdown(shutdown: wire.CallShutdown, options: CallOptions = {}): Promise<void> {
    return this.#connection.repeated({ type: "SHUTDOWN", shutdown }, options);
  }

  /** Asks for the state of `tasks`, or of all of the framework's; the answers are UPDATE events. */
  reconcile(reconcile: wire.CallReconcile = {}, options: CallOptions = {}): Promise<void> {
    return this.#connection.repeated({ type: "RECONCILE", reconcile }, options);
  }

  /** Best effort, as in Mesos: nothing tells whether the executor got it. */
  message(message: wire.CallMessage, options: CallOptions = {}): Promise<void> {
    return this.#connection.once({ type: "MESSAGE", message }, options);
  }

  /** Changes the framework's description, also for later re-subscriptions. */
  async updateFramework(framework: mesos.FrameworkInfo, options: CallOptions = {}): Promise<void> {
    const id = this.frameworkId;
    const framework_info = { ...framework, ...(id && { id: { value: id } }) };
    const update_framework = { framework_info, ...this.#suppressed() };
    await this.#connection.repeated({ type: "UPDATE_FRAMEWORK", update_framework }, options);
    this.#framework = framework_info;
  }

  /** Needed with EXPLICIT only. A status without uuid wants no acknowledgement and gets none. */
  async acknowledge(status: mesos.TaskStatus, options: CallOptions = {}): Promise<void> {
    const { uuid, agent_id, task_id } = status;
    if (uuid === undefined || agent_id === undefined) return;
    const acknowledge = { uuid, agent_id, task_id };
    await this.#connection.once({ type: "ACKNOWLEDGE", acknowledge }, options);
  }

  /** Any other call, as the wire has it; sent once. */
  send(call: Omit<wire.Call, "framework_id">, options: CallOptions = {}): Promise<void> {
    return this.#connection.once(call, options);
  }

  /** Ends the framework: its tasks are killed, it is forgotten, and `subscribe` ends. */
  async teardown(options: CallOptions = {}): Promise<void> {
    this.#tearingDown = true;
    try {
      // A terminal update that is acknowledged leaves its task in the history as it ended.
      await Promise.allSettled(this.#acknowledging);
      await this.#connection.repeated({ type: "TEARDOWN" }, options);
    } catch (error) {
      if (SchedulerError.is(error, "FRAMEWORK_REMOVED")) return;
      this.#tearingDown = false;
      throw error;
    }
    if (this.#session !== undefined) end(this.#session);
  }

  #subscribeCall(frameworkId: FrameworkId | undefined): wire.Call {
    const id = frameworkId === undefined ? this.#framework.id : { value: frameworkId };
    const framework_info = { ...this.#framework, ...(id && { id }) };
    return {
      type: "SUBSCRIBE",
      ...(id && { framework_id: id }),
      subscribe: { framework_info, ...this.#suppressed() },
    };
  }

  #roles(): readonly string[] {
    return this.#framework.roles ?? [this.#framework.role ?? "*"];
  }

  #suppressed(): { readonly suppressed_roles?: readonly string[] } {
    const suppressed_roles = [...this.#suppressedRoles];
    return suppressed_roles.length === 0 ? {} : { suppressed_roles };
  }

  /** Fills the inbox until the end; never rejects: the end and its reason are the inbox's. */
  async #pump({ inbox, abort }: Session): Promise<void> {
    const error = await this.#connection.run(
      {
        event: async (event) => {
          if (this.#arrived(event, abort.signal)) inbox.put(event);
          await inbox.room();
        },
        lost: (error, retryMs) => {
          this.#reconciling.abort();
          inbox.discard((event) => OF_ONE_STREAM.has(event.type));
          if (this.#tearingDown) return;
          inbox.put({ type: "DISCONNECTED", error, retry_in_ms: Math.round(retryMs) });
        },
      },
      abort.signal,
    );
    this.#reconciling.abort();
    const wanted = this.#tearingDown && error?.code === "FRAMEWORK_REMOVED";
    inbox.end(wanted ? undefined : error);
  }

  /** What an event changes here when it comes; false: the author has it already. */
  #arrived(event: SchedulerEvent, signal: AbortSignal): boolean {
    if (event.type === "SUBSCRIBED") this.#startReconciling(event.resumed, signal);
    if (event.type !== "UPDATE") return true;
    const { status } = event;
    this.#ledger.heard(status);
    if (status.uuid === undefined || this.#options.acknowledge === "EXPLICIT") return true;
    const arrival = this.#ledger.arrival(status.uuid);
    if (arrival === "HANDLED") this.#sendAcknowledgement(status);
    return arrival === "NEW";
  }

  /** The author asked for the next event, so this one is done. */
  async #finished(event: SchedulerEvent): Promise<void> {
    if (event.type === "UPDATE" && this.#options.acknowledge === "AUTOMATIC") {
      if (event.status.uuid !== undefined) this.#ledger.handled(event.status.uuid);
      this.#sendAcknowledgement(event.status);
    }
    while (this.#acknowledging.size >= ACKNOWLEDGEMENTS_MAX) {
      await Promise.race(this.#acknowledging);
    }
    if (this.#acknowledgementError !== undefined) throw this.#acknowledgementError;
  }

  /** Not waited for. One that is lost with the stream is repeated when the update comes again. */
  #sendAcknowledgement(status: mesos.TaskStatus): void {
    const sent = this.acknowledge(status)
      .catch((error: unknown) => {
        if (!SchedulerError.is(error)) throw error;
        if (!error.retryable) this.#acknowledgementError = error;
      })
      .finally(() => this.#acknowledging.delete(sent));
    this.#acknowledging.add(sent);
  }

  /** Asks until every living task has been heard of on this stream, or the stream ends. */
  #startReconciling(resumed: boolean, session: AbortSignal): void {
    this.#reconciling.abort();
    const round = new AbortController();
    this.#reconciling = round;
    session.addEventListener("abort", () => round.abort(), { once: true, signal: round.signal });
    this.#isAsking = false;
    const takesOver = !resumed && this.#framework.id !== undefined;
    if (takesOver) this.#ask({}, round.signal);
    this.#ledger.askAll();
    this.#askUntilAnswered();
  }

  async #askUntilAnswered(): Promise<void> {
    const { reconcileBackOff, random } = this.#options;
    const { signal } = this.#reconciling;
    if (this.#isAsking) return;
    this.#isAsking = true;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const tasks = this.#ledger.unanswered();
      if (tasks.length === 0) {
        this.#isAsking = false;
        return;
      }
      for (let from = 0; from < tasks.length; from += TASKS_PER_RECONCILE) {
        await this.#ask({ tasks: tasks.slice(from, from + TASKS_PER_RECONCILE) }, signal);
      }
      await pause(backOffMs(reconcileBackOff, attempt, random()), signal);
    }
  }

  /** A question that cannot be sent is asked again, or the next stream starts another round. */
  async #ask(reconcile: wire.CallReconcile, signal: AbortSignal): Promise<void> {
    try {
      await this.#connection.repeated({ type: "RECONCILE", reconcile }, { signal });
    } catch (error) {
      if (!SchedulerError.is(error)) throw error;
    }
  }
}

/** What says something about offers of the stream it came on, and nothing without it. */
const OF_ONE_STREAM: ReadonlySet<SchedulerEventType> = new Set<SchedulerEventType>([
  "OFFERS",
  "RESCIND",
  "INVERSE_OFFERS",
  "RESCIND_INVERSE_OFFER",
  "HEARTBEAT",
]);

function end(session: Session): void {
  session.abort.abort();
  session.inbox.end();
  session.inbox.discard(() => true);
}

/** Calls the handler of the event's own type, if there is one. */
async function handle<T extends SchedulerEventType>(
  handlers: { readonly [K in T]?: (event: SchedulerEvent<K>) => void | Promise<void> },
  event: SchedulerEvent<T>,
): Promise<void> {
  await handlers[event.type]?.(event);
}
