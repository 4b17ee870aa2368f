/**
 * Cycles of the allocator's engine over a master's real rows, without a cap and without making
 * offer rows: from the trigger to the complete list of who is given what, which can be taken back.
 */
import { Dirt } from "../../worker/core/allocator/dirt.ts";
import type { Engine } from "../../worker/core/allocator/engine/engine.ts";
import { type Gate, type Given, NO_END } from "../../worker/core/allocator/engine/gate.ts";
import { defined } from "../../worker/std/assert.ts";
import { prng } from "../../worker/std/prng.ts";
import type { BenchCluster } from "./allocator-cluster.ts";

/** One decision: who is given how much of which agent. Thousandths by kind. */
interface Decision {
  readonly client: number;
  readonly agent: number;
  readonly thousandths: Float64Array;
}

const random = prng(1);

export class EngineCycle {
  readonly #engine: Engine;
  readonly #allAgents: readonly number[];
  readonly #dirt = new Dirt();
  /** Of each agent with nothing offered, to be put back. */
  readonly #rest: Int32Array;
  /** Columns of the list of decisions: it is complete, and does not cost an object for each. */
  #clients = new Int32Array(1_024);
  #agents = new Int32Array(1_024);
  #thousandths = new Float64Array(1_024 * 4);
  #count = 0;
  /** For `freeOne`: the offers there were, and who has those that were made again. */
  #freed: readonly Decision[] | undefined;
  #next = 0;
  readonly #holders = new Map<number, number>();
  #kinds = 4;

  constructor({ state }: BenchCluster) {
    this.#engine = defined(state.allocation.engine(), "the policy has a tree");
    this.#allAgents = [...state.allocation.agents.slots()];
    this.#rest = this.#engine.agents.rest.slice();
  }

  get count(): number {
    return this.#count;
  }

  /** Every agent is worth looking at: ms until the list is complete. */
  askAll(): number {
    return this.#timed(() => this.#dirt.addAll(this.#allAgents));
  }

  /** One agent's offer ends: ms until it is offered again. */
  freeOne(): number {
    this.#freed ??= [...this.decisions()];
    const first = this.#freed[this.#next++ % this.#freed.length];
    if (first === undefined) throw new Error("something is offered");
    const holder = this.#holders.get(first.agent) ?? first.client;
    this.#release({ ...first, client: holder });
    const tookMs = this.#timed(() => this.#dirt.add(first.agent));
    this.#holders.set(first.agent, this.#clients[0] ?? 0);
    if (this.#count !== 1) throw new Error("what is freed is offered once");
    return tookMs;
  }

  /** All that was given is taken back, and refused for long if `isRefused`. */
  takeBack({ isRefused }: { readonly isRefused: boolean }): void {
    const { refusals } = this.#engine;
    const thousandths = new Float64Array(this.#kinds);
    for (let at = 0; at < this.#count; at++) {
      const agent = this.#agents[at] ?? 0;
      const client = this.#clients[at] ?? 0;
      for (let kind = 0; kind < this.#kinds; kind++) {
        thousandths[kind] = this.#thousandths[at * this.#kinds + kind] ?? 0;
      }
      this.#release({ client, agent, thousandths });
      this.#dirt.add(agent);
      if (!isRefused) continue;
      refusals.add(agent, client);
      refusals.cover(agent, client);
    }
  }

  /** Goes on with agents of which something was taken back: ms. */
  goOn(): number {
    return this.#timed(() => undefined);
  }

  /** Everybody refuses all of every agent, for long. */
  refuseAll(): void {
    const { refusals, tree } = this.#engine;
    for (const agent of this.#allAgents) {
      for (let client = 0; client < tree.clientsEnd; client++) {
        refusals.add(agent, client);
        refusals.cover(agent, client);
      }
    }
  }

  /** Nobody refuses anything any more. */
  forgetRefusals(): void {
    const { refusals, tree } = this.#engine;
    for (const agent of this.#allAgents) {
      for (let client = 0; client < tree.clientsEnd; client++) {
        refusals.remove(agent, client, false);
      }
    }
  }

  /** Agents of which something was taken back are not to be looked at. */
  forgetDirt(): void {
    this.#dirt.clear();
  }

  *decisions(): Generator<Decision, void, undefined> {
    for (let at = 0; at < this.#count; at++) yield this.#decision(at);
  }

  #timed(trigger: () => void): number {
    const gate = this.#gate();
    const startMs = performance.now();
    this.#count = 0;
    trigger();
    const agents = this.#dirt.take(this.#dirt.size, random);
    this.#engine.decide({ agents, gate, random, budget: { ...NO_END } });
    return performance.now() - startMs;
  }

  #gate(): Gate {
    const unasked = (): never => {
      throw new Error("a benchmark's clients and agents are plain");
    };
    return {
      admits: unasked,
      isEnough: unasked,
      refuses: unasked,
      lookAtRows: unasked,
      isAtCap: () => false,
      passedOver: () => undefined,
      offer: (client, agent, given) => this.#offer(client, agent, given),
    };
  }

  #offer(client: number, agent: number, given: Given): void {
    this.#note(client, agent, given.thousandths);
    this.#engine.hold(client, agent, given);
  }

  #note(client: number, agent: number, thousandths: Float64Array): void {
    if (this.#count === this.#clients.length) this.#grow();
    this.#clients[this.#count] = client;
    this.#agents[this.#count] = agent;
    this.#kinds = thousandths.length;
    const begin = this.#count * this.#kinds;
    for (let kind = 0; kind < this.#kinds; kind++) {
      this.#thousandths[begin + kind] = thousandths[kind] ?? 0;
    }
    this.#count++;
  }

  #grow(): void {
    const [clients, agents, thousandths] = [this.#clients, this.#agents, this.#thousandths];
    this.#clients = new Int32Array(clients.length * 2);
    this.#clients.set(clients);
    this.#agents = new Int32Array(agents.length * 2);
    this.#agents.set(agents);
    this.#thousandths = new Float64Array(thousandths.length * 2);
    this.#thousandths.set(thousandths);
  }

  #decision(at: number): Decision {
    const begin = at * this.#kinds;
    return {
      client: this.#clients[at] ?? 0,
      agent: this.#agents[at] ?? 0,
      thousandths: this.#thousandths.slice(begin, begin + this.#kinds),
    };
  }

  #release({ client, agent, thousandths }: Decision): void {
    const rest = this.#rest[agent] ?? 0;
    this.#engine.release(client, agent, { thousandths, rest });
  }
}
