/**
 * A framework for measuring: waits for offers and for states of its tasks, and notes when they
 * came.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { Scheduler, takeResources } from "../../worker/sdk/index.ts";

interface Waiter {
  readonly wanted: () => boolean;
  readonly resolve: () => void;
}

export class BenchFramework {
  readonly #scheduler: Scheduler;
  readonly #abort = new AbortController();
  readonly #states = new Map<string, Map<mesos.TaskState, number>>();
  #offers: { readonly offer: mesos.Offer; readonly atMs: number }[] = [];
  #waiters: Waiter[] = [];
  #ended: Promise<void>;

  constructor(master: string) {
    this.#scheduler = new Scheduler({
      master,
      framework: { user: "", name: "bench", failover_timeout: 600 },
    });
    this.#ended = this.#listen();
  }

  /** The newest offer with this many cpus, and when it came; waits for one. */
  async offer(cpus: number): Promise<{ offer: mesos.Offer; atMs: number }> {
    const fits = (): number =>
      this.#offers.findLastIndex(({ offer }) => takeResources(offer.resources ?? [], { cpus }).ok);
    await this.#wait(() => fits() >= 0);
    const [found] = this.#offers.splice(fits(), 1);
    if (found === undefined) throw new Error("the offer went away while it was looked at");
    return found;
  }

  /** Launches command tasks of 0.01 cpus; resolves when the call was taken. */
  async launch(
    offer: mesos.Offer,
    tasks: readonly { id: string; command: string }[],
  ): Promise<void> {
    const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 0.01 } } as const;
    const mem = { name: "mem", type: "SCALAR", scalar: { value: 1 } } as const;
    const infos = tasks.map(({ id, command }) => ({
      name: id,
      task_id: { value: id },
      resources: [cpus, mem],
      command: { value: command },
    }));
    await this.#scheduler.launch(offer, infos, { filters: { refuse_seconds: 1 } });
  }

  /** When the task was first said to be in the state, ms; waits for it. */
  async reached(id: string, state: mesos.TaskState): Promise<number> {
    await this.#wait(() => this.#states.get(id)?.has(state) === true);
    return this.#states.get(id)?.get(state) ?? Number.NaN;
  }

  async end(): Promise<void> {
    await this.#scheduler.teardown();
    this.#abort.abort();
    await this.#ended;
  }

  async #listen(): Promise<void> {
    const events = this.#scheduler.subscribe({ signal: this.#abort.signal });
    for await (const event of events) {
      const atMs = performance.now();
      if (event.type === "OFFERS") {
        for (const offer of event.offers) this.#offers.push({ offer, atMs });
      } else if (event.type === "RESCIND") {
        this.#offers = this.#offers.filter(({ offer }) => offer.id.value !== event.offer_id.value);
      } else if (event.type === "DISCONNECTED") this.#offers = [];
      else if (event.type === "UPDATE") this.#note(event.status, atMs);
      this.#wake();
    }
  }

  #note({ task_id, state }: mesos.TaskStatus, atMs: number): void {
    const states = this.#states.get(task_id.value) ?? new Map<mesos.TaskState, number>();
    this.#states.set(task_id.value, states);
    if (!states.has(state)) states.set(state, atMs);
  }

  #wait(wanted: () => boolean): Promise<void> {
    if (wanted()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ wanted, resolve }));
  }

  #wake(): void {
    const [come, stay] = [this.#waiters.filter((w) => w.wanted()), [] as Waiter[]];
    for (const waiter of this.#waiters) if (!come.includes(waiter)) stay.push(waiter);
    this.#waiters = stay;
    for (const waiter of come) waiter.resolve();
  }
}
