/**
 * Decides who is offered what, on numbers: agents, clients and kinds have small ones, and what is
 * known of them lies in arrays and in sets of bits. Emits (client, agent, how much of each kind)
 * and knows no rows; `Allocation` keeps it in step with them, and makes offers of what it emits.
 *
 * 1. An agent that is looked at by numbers is offered as its rows would have it: the reference of
 * the tests, and `row-look.ts` for everything that is not PLAIN, decide the same. 2. Questions that
 * only rows can answer go to the `Gate`, as rarely as can be. 3. Work is counted, not timed, so
 * that the same turn decides the same everywhere.
 */
import type { Prng } from "../../../std/prng.ts";
import { topRole } from "../../role/consumption.ts";
import type { QuotaStage } from "../quota.ts";
import { AgentColumns, Look, NO_REST } from "./agent-columns.ts";
import { hasBit } from "./bits.ts";
import { type ClientFacts, ClientMasks } from "./client-masks.ts";
import type { OrderTree } from "./order-tree.ts";
import { type Least, minimumIn, type QuotaBooks } from "./quota-books.ts";
import { RefusalMasks } from "./refusal-masks.ts";
import { NONE } from "./tree-columns.ts";
import { Walk } from "./walk.ts";

/** What of an agent a client is offered. One object for all: read it before the next decision. */
export interface Given {
  /** By kind. */
  readonly thousandths: Float64Array;
  /** Ranges and sets are in it, all that are free. */
  hasRest: boolean;
  /** It is all that is free. */
  isWhole: boolean;
}

/** What the engine cannot know. Clients and agents by number. */
export interface Gate {
  /** Whether a client that is screened may have something of the agent at all. */
  admits(client: number, agent: number): boolean;
  /** Whether it is enough for a client that is screened. */
  isEnough(client: number, agent: number, given: Given): boolean;
  /** Whether a refusal keeps it from the client. */
  refuses(client: number, agent: number, given: Given): boolean;
  /** Whether the client has as many offers as it may have; notes that the agent waits for it. */
  isAtCap(client: number, agent: number): boolean;
  /** The client is offered it: when this returns, it is held. */
  offer(client: number, agent: number, given: Given): void;
  /** Looks at an agent that is not PLAIN. */
  lookAtRows(agent: number, stage: QuotaStage): void;
  /** Some of the agent was withheld because of a quota. */
  passedOver(agent: number): void;
}

/** What a turn may still do. */
export interface Budget {
  offers: number;
  /** Steps of about 0.1 µs. */
  work: number;
}

export const NO_END: Budget = { offers: Number.POSITIVE_INFINITY, work: Number.POSITIVE_INFINITY };

/** What a question to the gate counts as work. */
const GATE_WORK = 10;

export class Engine {
  readonly tree: OrderTree;
  readonly agents: AgentColumns;
  readonly clients = new ClientMasks();
  readonly refusals: RefusalMasks;
  readonly #walk: Walk;
  readonly #minimum: readonly [Least, Least];
  #books: QuotaBooks | undefined;
  /** By top-level role. */
  readonly #clientsOf = new Map<string, Set<number>>();
  /** Top-level role by client. */
  readonly #tops: string[] = [];
  /** Clients that the walk stops at. */
  #among = new Int32Array(1);
  #given: Given = { thousandths: new Float64Array(4), hasRest: false, isWhole: true };

  constructor(tree: OrderTree, agents: AgentColumns = new AgentColumns(tree.kinds)) {
    this.tree = tree;
    this.agents = agents;
    this.refusals = new RefusalMasks(agents);
    this.#walk = new Walk(tree);
    this.#minimum = minimumIn(tree.kinds);
  }

  /** A client that the tree knows has this number from now on. */
  addClient(client: number, facts: ClientFacts): void {
    const top = topRole(this.tree.clientAt(client).role);
    this.#tops[client] = top;
    const others = this.#clientsOf.get(top) ?? new Set<number>();
    this.#clientsOf.set(top, others.add(client));
    this.clients.setFacts(client, facts);
    this.refusals.setWords(this.clients.words);
    if (this.#books !== undefined) this.clients.setQuota(client, this.#books.factsOf(top));
  }

  /** It is gone, and nothing may be left of it: its number may soon be another's. */
  removeClient(client: number): void {
    const top = this.#tops[client] ?? "";
    const others = this.#clientsOf.get(top);
    others?.delete(client);
    if (others?.size === 0) this.#clientsOf.delete(top);
    this.clients.remove(client);
    this.refusals.forgetClient(client);
  }

  /** Undefined: no role has a quota. */
  setBooks(books: QuotaBooks | undefined): void {
    if (books === this.#books) return;
    this.#books = books;
    if (books === undefined) return;
    books.onFlip = (role) => this.#noteQuota(role);
    for (const role of this.#clientsOf.keys()) this.#noteQuota(role);
  }

  /**
   * One cycle over the agents, in this order; those that are not done when the budget is used up
   * are returned. First everybody is offered what he is guaranteed and lacks, then the rest is
   * given away.
   */
  decide(request: {
    readonly agents: readonly number[];
    readonly gate: Gate;
    readonly random: Prng;
    readonly budget: Budget;
  }): readonly number[] {
    const { agents, budget } = request;
    for (const agent of agents) {
      if (this.#books?.hasLacking() !== true) break;
      if (!this.#look(agent, { ...request, stage: "GUARANTEED" })) return agents;
    }
    const rest = { ...request, stage: "REST" } as const;
    for (let at = 0; at < agents.length; at++) {
      const isDone = this.#look(agents[at] ?? 0, rest);
      const isLast = budget.offers <= 0 || budget.work <= 0;
      if (!isDone || isLast) return agents.slice(isDone ? at + 1 : at);
    }
    return [];
  }

  /** Takes what is given off the agent, for a cycle without rows. */
  hold(client: number, agent: number, { thousandths, hasRest }: Given): void {
    const top = this.#tops[client] ?? "";
    for (let kind = 0; kind < thousandths.length; kind++) {
      const amount = thousandths[kind] ?? 0;
      if (amount === 0) continue;
      this.tree.addTo(client, kind, amount);
      this.agents.setFree(agent, kind, this.agents.free.get(agent, kind) - amount);
      this.#books?.consume(top, kind, amount);
    }
    if (hasRest) this.agents.rest[agent] = NO_REST;
  }

  /** Gives it back: the opposite of `hold`. `rest`: number of the ranges and sets free then. */
  release(client: number, agent: number, back: { thousandths: Float64Array; rest: number }): void {
    const top = this.#tops[client] ?? "";
    for (let kind = 0; kind < back.thousandths.length; kind++) {
      const amount = back.thousandths[kind] ?? 0;
      if (amount === 0) continue;
      this.tree.addTo(client, kind, -amount);
      this.agents.setFree(agent, kind, this.agents.free.get(agent, kind) + amount);
      this.#books?.consume(top, kind, -amount);
    }
    this.agents.rest[agent] = back.rest;
  }

  /** Whether the agent is done with; false: the budget was used up before. */
  #look(
    agent: number,
    request: {
      readonly gate: Gate;
      readonly random: Prng;
      readonly budget: Budget;
      readonly stage: QuotaStage;
    },
  ): boolean {
    const { gate, random, budget, stage } = request;
    budget.work--;
    const look = this.agents.look[agent];
    if (look === Look.NONE) return true;
    if (look === Look.EXACT) {
      gate.lookAtRows(agent, stage);
      return true;
    }
    if (this.agents.isExhausted(agent)) return true;
    budget.work -= this.clients.words >> 3;
    if (!this.#findAmong(agent, stage, gate)) return true;
    const walk = this.#walk;
    const before = walk.steps;
    walk.begin({ random });
    for (let client = walk.next(this.#among); client !== NONE; client = walk.next(this.#among)) {
      if (!this.#offersTo(client, agent, request)) continue;
      if (this.agents.isExhausted(agent)) break;
      if (budget.offers <= 0) return false;
    }
    budget.work -= walk.steps - before;
    return true;
  }

  /** Makes the set of clients worth asking; false: there is none. */
  #findAmong(agent: number, stage: QuotaStage, gate: Gate): boolean {
    const { clients, refusals } = this;
    const { words, wanting, screened, lacking, roomy } = clients;
    const books = this.#books;
    if (this.#among.length !== words) this.#among = new Int32Array(words);
    const eligible = clients.eligible(this.agents.traits[agent] ?? 0);
    const at = refusals.at(agent);
    const { covered } = refusals;
    const fits = this.#isEnough(agent) ? -1 : 0;
    const first = books?.hasSurplusFor(0) === false ? 0 : -1;
    const second = books?.hasSurplusFor(1) === false ? 0 : -1;
    let [any, withheld] = [0, 0];
    for (let word = 0; word < words; word++) {
      const alone = screened[word] ?? 0;
      let who = (wanting[word] ?? 0) & (eligible[word] ?? 0) & (fits | alone);
      if (at >= 0) who &= ~(covered[at + word] ?? 0);
      if (stage === "GUARANTEED") who &= lacking[word] ?? 0;
      else if (books !== undefined) {
        const room = ((roomy[0][word] ?? 0) & first) | ((roomy[1][word] ?? 0) & second) | alone;
        withheld |= who & ~room;
        who &= room;
      }
      this.#among[word] = who;
      any |= who;
    }
    if (withheld !== 0) gate.passedOver(agent);
    return any !== 0;
  }

  /** Offers the client what it may have; false: nothing. */
  #offersTo(
    client: number,
    agent: number,
    { gate, budget, stage }: { gate: Gate; budget: Budget; stage: QuotaStage },
  ): boolean {
    const isScreened = this.clients.isScreened(client);
    // Another client of its tree may have been given meanwhile what it lacked.
    if (stage === "GUARANTEED" && !hasBit(this.clients.lacking, 0, client)) return false;
    if (isScreened) {
      budget.work -= GATE_WORK;
      if (!gate.admits(client, agent)) return false;
    }
    const given = this.#all(agent);
    if (isScreened ? !gate.isEnough(client, agent, given) : !this.#isEnough(agent)) return false;
    if (this.#books !== undefined && !this.#cut(client, stage, given)) {
      if (stage === "REST") gate.passedOver(agent);
      const isEnough = isScreened
        ? gate.isEnough(client, agent, given)
        : this.#isEnoughOf(given.thousandths);
      if (!isEnough) return false;
    }
    if (this.refusals.isAsked(agent, client)) {
      budget.work -= GATE_WORK;
      if (gate.refuses(client, agent, given)) {
        if (given.isWhole) this.refusals.cover(agent, client);
        return false;
      }
    }
    if (gate.isAtCap(client, agent)) return false;
    gate.offer(client, agent, given);
    this.tree.noteTurn(client);
    budget.offers--;
    return true;
  }

  /** All that is free of the agent. */
  #all(agent: number): Given {
    const { free, rest } = this.agents;
    if (this.#given.thousandths.length !== free.stride) {
      this.#given = { thousandths: new Float64Array(free.stride), hasRest: false, isWhole: true };
    }
    const given = this.#given;
    for (let kind = 0; kind < free.stride; kind++) {
      given.thousandths[kind] = free.columns[agent * free.stride + kind] ?? 0;
    }
    given.hasRest = rest[agent] !== NO_REST;
    given.isWhole = true;
    return given;
  }

  /**
   * Cuts scalars to what is left of the role's limit and of what nobody else is guaranteed; in the
   * first stage to what it is guaranteed and lacks, plus that. True: nothing was cut.
   */
  #cut(client: number, stage: QuotaStage, given: Given): boolean {
    const books = this.#books as QuotaBooks;
    const top = this.#tops[client] ?? "";
    const { thousandths } = given;
    let isNeeded = stage === "REST";
    for (let kind = 0; kind < thousandths.length; kind++) {
      const free = thousandths[kind] ?? 0;
      if (free === 0) continue;
      const needed = stage === "REST" ? 0 : Math.min(free, books.unmetOf(top, kind));
      if (needed > 0) isNeeded = true;
      const more = Math.min(books.leftOf(top, kind) - needed, books.surplusOf(kind));
      const most = Math.min(free, needed + Math.max(0, more));
      if (most < free) given.isWhole = false;
      thousandths[kind] = most;
    }
    // What it lacks is not here.
    if (!isNeeded) {
      thousandths.fill(0);
      given.hasRest = false;
      given.isWhole = false;
    }
    return given.isWhole;
  }

  /** Whether what is free makes an offer by the default minimum. */
  #isEnough(agent: number): boolean {
    const { columns, stride } = this.agents.free;
    return this.#minimum.some((set) =>
      set.every(([kind, least]) => (columns[agent * stride + kind] ?? 0) >= least),
    );
  }

  #isEnoughOf(thousandths: Float64Array): boolean {
    return this.#minimum.some((set) =>
      set.every(([kind, least]) => (thousandths[kind] ?? 0) >= least),
    );
  }

  #noteQuota(role: string): void {
    const facts = this.#books?.factsOf(role);
    if (facts === undefined) return;
    for (const client of this.#clientsOf.get(role) ?? []) this.clients.setQuota(client, facts);
  }
}
