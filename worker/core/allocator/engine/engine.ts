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
import { bitOf, type ClientFacts, ClientMasks, NO_QUOTA } from "./client-masks.ts";
import type { Budget, Gate, Given } from "./gate.ts";
import type { OrderTree } from "./order-tree.ts";
import { type Least, minimumIn, type QuotaBooks } from "./quota-books.ts";
import { RefusalMasks } from "./refusal-masks.ts";
import { grown, grownLength } from "./slots.ts";
import { NONE } from "./tree-columns.ts";
import { Walk } from "./walk.ts";

interface Asking {
  readonly gate: Gate;
  readonly budget: Budget;
}

interface DecideRequest extends Asking {
  readonly agents: readonly number[];
  readonly random: Prng;
}

/** With so many agents it pays to look first which of them are worth it. */
const SIFTED_AT_LEAST = 64;

/** The way of clients that are screened; beside the bits of `QuotaFacts.room`. */
const SCREENED = 4;

/** How many of the clients that were worth asking are left. */
type Left = "NONE" | "SOME" | "ALL";

/** What a question to the gate counts as work. */
const GATE_WORK = 20;

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
  /** By stage and node of a role at the top: in which ways one in it may be offered something. */
  readonly #ways = { GUARANTEED: new Int32Array(16), REST: new Int32Array(16) };
  /** In which of these ways the agent that is looked at can be offered. */
  #open = 0;
  /** Clients that a walk stops at; made anew for every agent that needs one of its own. */
  #narrow = new Int32Array(1);
  #marks = new Uint8Array(0);
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
    this.setFacts(client, facts);
    this.refusals.setWords(this.clients.words);
  }

  /** What its framework says of itself is something else from now on. */
  setFacts(client: number, facts: ClientFacts): void {
    this.clients.setFacts(client, facts);
    this.#noteTop(this.#tops[client] ?? "");
  }

  /** It is gone, and nothing may be left of it: its number may soon be another's. */
  removeClient(client: number): void {
    const top = this.#tops[client] ?? "";
    const others = this.#clientsOf.get(top);
    others?.delete(client);
    if (others?.size === 0) {
      this.#clientsOf.delete(top);
      // The role's node goes with its last client, and its slot may soon be another's.
      const node = this.tree.topNode(top) ?? NONE;
      this.#ways.GUARANTEED[node] = 0;
      this.#ways.REST[node] = 0;
    }
    this.clients.remove(client);
    this.refusals.forgetClient(client);
  }

  /** Undefined: no role has a quota. */
  setBooks(books: QuotaBooks | undefined): void {
    if (books === this.#books) return;
    this.#books = books;
    if (books === undefined) {
      this.#forgetQuota();
      return;
    }
    books.onFlip = (role) => this.#noteTop(role);
    for (const role of this.#clientsOf.keys()) this.#noteTop(role);
  }

  /**
   * One cycle over the agents, in this order; those that are not done when the budget is used up
   * are returned. First everybody is offered what he is guaranteed and lacks, then the rest is
   * given away.
   */
  decide(request: DecideRequest): readonly number[] {
    const { agents, budget } = request;
    const owed = this.#giveOwed(request);
    if (budget.offers <= 0) return agents;
    const isHopeless = this.#findHopeless(request);
    for (let at = 0; at < owed; at++) {
      if (isHopeless?.[agents[at] ?? 0] === 1) continue;
      const isDone = this.#look(agents[at] ?? 0, "REST", request);
      const isLast = budget.offers <= 0 || budget.work <= 0;
      if (!isDone || isLast) return agents.slice(isDone ? at + 1 : at);
    }
    return agents.slice(owed);
  }

  /**
   * What is guaranteed and lacking, of the first agents: returns of how many. Half of the work is
   * left for the rest of them, so that a cycle makes headway however much is lacking.
   */
  #giveOwed(request: DecideRequest): number {
    const { agents, budget } = request;
    const half = budget.work / 2;
    for (let at = 0; at < agents.length; at++) {
      if (this.#books?.hasLacking() !== true) break;
      this.#look(agents[at] ?? 0, "GUARANTEED", request);
      if (budget.offers <= 0 || budget.work < half) return at + 1;
    }
    return agents.length;
  }

  /** Takes what is given off the agent, for a cycle without rows. */
  hold(client: number, agent: number, { thousandths, hasRest }: Given): void {
    this.#transfer(client, agent, { thousandths, sign: 1 });
    if (hasRest) this.agents.rest[agent] = NO_REST;
  }

  /** Gives it back: the opposite of `hold`. `rest`: number of the ranges and sets free then. */
  release(client: number, agent: number, back: { thousandths: Float64Array; rest: number }): void {
    this.#transfer(client, agent, { thousandths: back.thousandths, sign: -1 });
    this.agents.rest[agent] = back.rest;
  }

  #transfer(
    client: number,
    agent: number,
    { thousandths, sign }: { readonly thousandths: Float64Array; readonly sign: 1 | -1 },
  ): void {
    this.tree.addAll(client, thousandths, sign);
    this.agents.deduct(agent, thousandths, sign);
    if (this.#books === undefined) return;
    const top = this.#tops[client] ?? "";
    for (let kind = 0; kind < thousandths.length; kind++) {
      this.#books.consume(top, kind, sign * (thousandths[kind] ?? 0));
    }
  }

  /**
   * Agents of which nobody can be offered anything, 1 by slot, found in the order of slots: what is
   * known of the next one is in the processor's cache then, as it is not in random order. Nothing
   * becomes possible during a cycle.
   */
  #findHopeless(request: DecideRequest): Uint8Array | undefined {
    const { agents } = request;
    if (agents.length < SIFTED_AT_LEAST) return undefined;
    const { end, look } = this.agents;
    if (this.#marks.length < end) this.#marks = new Uint8Array(look.length);
    request.budget.work -= end >> 6;
    const marks = this.#marks.fill(0);
    for (const agent of agents) marks[agent] = 1;
    for (let agent = 0; agent < end; agent++) {
      if (marks[agent] === 1 && !this.#isHopeless(agent, request)) marks[agent] = 0;
    }
    return marks;
  }

  #isHopeless(agent: number, request: DecideRequest): boolean {
    const look = this.agents.look[agent];
    if (look !== Look.PLAIN) return look === Look.NONE;
    if (this.#books !== undefined) return this.#among(agent, "REST", request) === undefined;
    if (!this.#isWorthALook(agent)) return true;
    const { set, isEmpty } = this.clients.candidates(this.agents.traits[agent] ?? 0);
    const at = this.refusals.at(agent);
    if (at < 0 || isEmpty) return isEmpty;
    const { covered } = this.refusals;
    for (let word = 0; word < set.length; word++) {
      if (((set[word] ?? 0) & ~(covered[at + word] ?? 0)) !== 0) return false;
    }
    return true;
  }

  /** Whether the agent is done with; false: the budget was used up before. */
  #look(agent: number, stage: QuotaStage, request: DecideRequest): boolean {
    const { gate, budget } = request;
    budget.work--;
    const look = this.agents.look[agent];
    if (look === Look.NONE) return true;
    if (look === Look.EXACT) {
      gate.lookAtRows(agent, stage);
      return true;
    }
    let among = this.#among(agent, stage, request);
    const walk = this.#walk;
    const before = walk.steps;
    const ways = this.#books === undefined ? undefined : this.#ways[stage];
    walk.begin(request);
    while (among !== undefined) {
      const client = walk.next(among, ways, this.#open);
      if (client === NONE) break;
      if (!this.#offersTo(client, agent, stage, request)) continue;
      if (budget.offers <= 0 && this.#isWorthALook(agent)) return false;
      // What is left may be of no use to many of those that are still to come.
      if (this.#books !== undefined) among = this.#among(agent, stage, request);
      else if (!this.#isWorthALook(agent)) break;
    }
    budget.work -= walk.steps - before;
    return true;
  }

  /** Whether it has something of which somebody could be made an offer. */
  #isWorthALook(agent: number): boolean {
    return this.#isEnough(agent) || this.#isForScreened(agent);
  }

  /** Somebody may take less than the default minimum. */
  #isForScreened(agent: number): boolean {
    return this.clients.screenedCount > 0 && !this.agents.isExhausted(agent);
  }

  /** Clients worth asking; undefined: there is none. */
  #among(agent: number, stage: QuotaStage, { gate, budget }: Asking): Int32Array | undefined {
    const fits = this.#isEnough(agent);
    if (!fits && !this.#isForScreened(agent)) return undefined;
    const candidates = this.clients.candidates(this.agents.traits[agent] ?? 0);
    const at = this.refusals.at(agent);
    if (at < 0 && fits && this.#books === undefined) {
      return candidates.isEmpty ? undefined : candidates.set;
    }
    budget.work -= this.clients.words >> 3;
    return this.#narrowed({ agent, stage, gate, at, fits, candidates: candidates.set });
  }

  #narrowed(facts: {
    readonly agent: number;
    readonly stage: QuotaStage;
    readonly gate: Gate;
    /** Where the agent's refusals begin. */
    readonly at: number;
    readonly fits: boolean;
    readonly candidates: Int32Array;
  }): Int32Array | undefined {
    const { agent, stage, gate, at, candidates } = facts;
    const { words, screened } = this.clients;
    const { covered } = this.refusals;
    if (this.#narrow.length !== words) this.#narrow = new Int32Array(words);
    const narrow = this.#narrow;
    const fits = facts.fits ? -1 : 0;
    let any = 0;
    for (let word = 0; word < words; word++) {
      let who = (candidates[word] ?? 0) & (fits | (screened[word] ?? 0));
      if (at >= 0) who &= ~(covered[at + word] ?? 0);
      narrow[word] = who;
      any |= who;
    }
    if (any === 0) return undefined;
    if (this.#books === undefined) return narrow;
    const isAny =
      stage === "GUARANTEED" ? this.#keepLacking(agent, narrow) : this.#keepRoomy(narrow);
    if (stage === "REST" && isAny !== "ALL") gate.passedOver(agent);
    return isAny === "NONE" ? undefined : narrow;
  }

  /** Leaves those in it that lack something that the agent has. */
  #keepLacking(agent: number, narrow: Int32Array): Left {
    const { lacking } = this.clients;
    const { free } = this.agents;
    let open = 0;
    for (let kind = 0; kind < free.stride; kind++) {
      if ((free.columns[agent * free.stride + kind] ?? 0) > 0) open |= 1 << bitOf(kind);
    }
    this.#open = open;
    let any = 0;
    for (let word = 0; word < narrow.length; word++) {
      const before = narrow[word] ?? 0;
      if (before === 0) continue;
      let lacks = 0;
      for (let bit = 0; bit < lacking.length; bit++) {
        if ((open >> bit) & 1) lacks |= lacking[bit]?.[word] ?? 0;
      }
      narrow[word] = before & lacks;
      any |= before & lacks;
    }
    return any === 0 ? "NONE" : "SOME";
  }

  /** Leaves those in it to whom limits and guarantees leave enough, and those who are screened. */
  #keepRoomy(narrow: Int32Array): Left {
    const { roomy, screened } = this.clients;
    const [hasFirst, hasSecond] = [this.#hasSurplusFor(0), this.#hasSurplusFor(1)];
    this.#open = (hasFirst ? 1 : 0) | (hasSecond ? 2 : 0) | SCREENED;
    const [first, second] = [hasFirst ? -1 : 0, hasSecond ? -1 : 0];
    let [any, withheld] = [0, 0];
    for (let word = 0; word < narrow.length; word++) {
      const before = narrow[word] ?? 0;
      const byLimit = ((roomy[0][word] ?? 0) & first) | ((roomy[1][word] ?? 0) & second);
      const after = before & (byLimit | (screened[word] ?? 0));
      withheld |= before & ~after;
      narrow[word] = after;
      any |= after;
    }
    if (any === 0) return "NONE";
    return withheld === 0 ? "ALL" : "SOME";
  }

  #hasSurplusFor(set: 0 | 1): boolean {
    return this.#books?.hasSurplusFor(set) !== false;
  }

  /** Offers the client what it may have; false: nothing. */
  #offersTo(
    client: number,
    agent: number,
    stage: QuotaStage,
    { gate, budget }: DecideRequest,
  ): boolean {
    const isScreened = this.clients.isScreened(client);
    if (isScreened) {
      budget.work -= GATE_WORK;
      if (!gate.admits(client, agent)) return false;
    }
    const given = this.#all(agent);
    // Who is not screened is among those worth asking because it is enough.
    if (isScreened && !gate.isEnough(client, agent, given)) return false;
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
    return this.#hasMinimum(columns, agent * stride);
  }

  #isEnoughOf(thousandths: Float64Array): boolean {
    return this.#hasMinimum(thousandths, 0);
  }

  #hasMinimum(thousandths: Float64Array, at: number): boolean {
    return hasAll(this.#minimum[0], thousandths, at) || hasAll(this.#minimum[1], thousandths, at);
  }

  #forgetQuota(): void {
    for (const clients of this.#clientsOf.values()) {
      for (const client of clients) this.clients.setQuota(client, NO_QUOTA);
    }
    this.#ways.GUARANTEED.fill(0);
    this.#ways.REST.fill(0);
  }

  /** How the role at the top stands, and by that its clients. */
  #noteTop(role: string): void {
    const books = this.#books;
    if (books === undefined) return;
    const facts = books.factsOf(role);
    const clients = this.#clientsOf.get(role) ?? [];
    let hasScreened = false;
    for (const client of clients) {
      this.clients.setQuota(client, facts);
      hasScreened ||= this.clients.isScreened(client);
    }
    const node = this.tree.topNode(role);
    if (node === undefined) return;
    for (const stage of ["GUARANTEED", "REST"] as const) {
      if (node < this.#ways[stage].length) continue;
      const length = grownLength(this.#ways[stage].length, node + 1);
      this.#ways[stage] = grown(this.#ways[stage], length);
    }
    this.#ways.GUARANTEED[node] = facts.lacks;
    this.#ways.REST[node] = facts.room | (hasScreened ? SCREENED : 0);
  }
}

function hasAll(set: Least, thousandths: Float64Array, at: number): boolean {
  // By index: taking pairs apart in a loop costs more than the comparison.
  for (let each = 0; each < set.length; each++) {
    const pair = set[each];
    if (pair !== undefined && (thousandths[at + pair[0]] ?? 0) < pair[1]) return false;
  }
  return true;
}
