/**
 * Quota in the allocator: what every role with a quota has, what is free for those that lack some
 * of their guarantee, and what of a candidate may be offered (http-semantics 12.3).
 *
 * Exists only while a role has a quota. Derived: told of every row again it is the same again, but
 * for the agents that were passed over; after a restart all agents are looked at anyway.
 */
import type { AgentId } from "../../protocol/ids.ts";
import { reservedRole } from "../../resources/algebra.ts";
import { isIndivisible } from "../../resources/compare.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import { MIN_REFUSE_MS } from "../constants.ts";
import { isMetered, meteredIn, topRole } from "../role/consumption.ts";
import type { AgentRow, RoleRow } from "../rows.ts";
import { AgentColumns } from "./engine/agent-columns.ts";
import { minimumIn, QuotaBooks } from "./engine/quota-books.ts";

/** First everybody is offered what he is guaranteed and lacks, then the rest is given away. */
export type QuotaStage = "GUARANTEED" | "REST";

/** Thousandths per kind. */
type Sums = Map<string, number>;

/** Tells what nobody has of the agents in service. */
interface AgentsInService {
  readonly columns: AgentColumns;
  /** Brings the columns up to date. */
  settle?(): void;
}

export interface QuotaMarks {
  readonly passedOver: readonly AgentId[];
  readonly isFreed: boolean;
  readonly wokenMs: number;
}

export class QuotaLedger {
  /** Who has how much, by numbers: what the engine asks. */
  readonly books: QuotaBooks;
  /** What is reserved to roles with a quota, per connected agent that has such a thing. */
  readonly #reserved = new Map<AgentId, readonly Resource[]>();
  /** Agents of which something was withheld because of a quota. */
  readonly #passedOver = new Set<AgentId>();
  #isFreed = false;
  /** When they were looked at last. */
  #wokenMs = 0;
  /** Something has grown since no role was over its limit. */
  #hasGrown = true;

  constructor(roles: Iterable<RoleRow>, agents: AgentsInService = { columns: new AgentColumns() }) {
    const { kinds } = agents.columns;
    const offeredOf = (kind: number): number => {
      agents.settle?.();
      return agents.columns.offeredOf(kind);
    };
    this.books = new QuotaBooks({ kinds, offeredOf, minimum: minimumIn(kinds) });
    for (const { name, quota } of roles) {
      if (quota !== undefined) this.books.add(name, quota);
    }
  }

  /** The agent is as `agent` says now; undefined: not there. */
  agentIs(id: AgentId, agent: AgentRow | undefined): void {
    const before = this.#reserved.get(id) ?? [];
    for (const resource of before) this.#consumeReserved(resource, -1);
    this.#reserved.delete(id);
    if (agent?.connection.state !== "CONNECTED") return;
    const reserved = agent.total.filter((resource) => {
      const role = reservedRole(resource);
      return role !== undefined && resource.kind === "SCALAR" && this.books.has(topRole(role));
    });
    if (reserved.length > 0) this.#reserved.set(id, reserved);
    for (const resource of reserved) this.#consumeReserved(resource, 1);
  }

  /** Somebody in the role got the resources (`sign` 1), or gave them back (-1). */
  held(role: string, resources: Resources, sign: 1 | -1): void {
    const top = topRole(role);
    if (!this.books.has(top)) return;
    for (const resource of resources) {
      if (isMetered(resource)) this.#consume(top, resource, sign);
    }
  }

  /** Something was freed: somebody who was passed over may now get something. */
  noteFreed(): void {
    this.#isFreed = true;
  }

  /** When agents that were passed over are to be looked at again, ms; undefined: they are not. */
  wakeAtMs(): number | undefined {
    if (!this.#isFreed || this.#passedOver.size === 0) return undefined;
    return this.#wokenMs + MIN_REFUSE_MS;
  }

  /** They are looked at once a second at most: what is freed may be small, and they many. */
  takePassedOver(nowMs: number): readonly AgentId[] {
    const atMs = this.wakeAtMs();
    if (atMs !== undefined && nowMs < atMs) return [];
    // What was freed before anybody is passed over is nothing to wait for.
    this.#isFreed = false;
    if (atMs === undefined) return [];
    const agents = [...this.#passedOver];
    this.#passedOver.clear();
    this.#wokenMs = nowMs;
    return agents;
  }

  /** For what-if: what does not follow from rows, to be put back after an undo. */
  marks(): QuotaMarks {
    const passedOver = [...this.#passedOver];
    return { passedOver, isFreed: this.#isFreed, wokenMs: this.#wokenMs };
  }

  restore({ passedOver, isFreed, wokenMs }: QuotaMarks): void {
    this.#passedOver.clear();
    for (const id of passedOver) this.#passedOver.add(id);
    this.#isFreed = isFreed;
    this.#wokenMs = wokenMs;
  }

  rolesOverLimit(): readonly string[] {
    if (!this.#hasGrown) return [];
    const over = [...this.books.names()].filter((role) => this.books.isOverLimit(role));
    this.#hasGrown = over.length > 0;
    return over;
  }

  isOverLimit(top: string, kind: string): boolean {
    return this.books.leftOf(top, this.#kind(kind)) < 0;
  }

  isAboveGuarantee(top: string, kind: string): boolean {
    const { books } = this;
    const number = this.#kind(kind);
    return !books.has(top) || books.consumedBy(top, number) > books.guaranteedTo(top, number);
  }

  /** Whether a role lacks some of its guarantee. */
  hasUnmetGuarantees(): boolean {
    return this.books.hasLacking();
  }

  lacksGuarantee(role: string): boolean {
    return this.books.factsOf(topRole(role)).lacks !== 0;
  }

  /** Kinds of which less is free than is guaranteed and lacking. */
  shortfall(): readonly string[] {
    const { books } = this;
    const short = books.guaranteedKinds().filter((kind) => {
      return books.requiredOf(kind) > 0 && books.surplusOf(kind) < 0;
    });
    return short.map((kind) => books.kinds.nameOf(kind));
  }

  /**
   * Whether the role is left too little for each of the sets, of whatever agent; for those of which
   * everything is metered, which is quicker than `within`.
   */
  isExhausted(role: string, anyOf: readonly Quantities[]): boolean {
    const top = topRole(role);
    const isLeft = ([name, amount]: readonly [string, number]): boolean => {
      const kind = this.#kind(name);
      return Math.min(this.books.leftOf(top, kind), this.books.surplusOf(kind)) >= amount;
    };
    return anyOf.length > 0 && !anyOf.some((least) => Object.entries(least).every(isLeft));
  }

  /** The agent has something that a role was not offered because of a quota. */
  passedOver(agentId: AgentId): void {
    this.#passedOver.add(agentId);
  }

  /**
   * What of `candidate` the role may be offered of an agent at this stage; `candidate` itself when
   * that is all of it. Reserved, revocable and uncountable resources are not metered; scalars
   * are cut to what is left of the limit and of what nobody else is guaranteed, and in the first
   * stage to what is guaranteed, plus that.
   */
  within(role: string, candidate: Resources, stage: QuotaStage): Resources {
    const top = topRole(role);
    const left = new Map<string, number>();
    let isNeeded = stage === "REST";
    for (const [name, amount] of Object.entries(meteredIn(candidate))) {
      const kind = this.#kind(name);
      const needed = stage === "REST" ? 0 : Math.min(amount, this.books.unmetOf(top, kind));
      if (needed > 0) isNeeded = true;
      const more = Math.min(this.books.leftOf(top, kind) - needed, this.books.surplusOf(kind));
      left.set(name, needed + Math.max(0, more));
    }
    // What it lacks is not here.
    if (!isNeeded) return [];
    const cut: Resource[] = [];
    let isWhole = true;
    for (const resource of candidate) {
      const given = isMetered(resource)
        ? take(resource, left)
        : isGiven(resource, role, stage)
          ? resource
          : undefined;
      if (given !== undefined) cut.push(given);
      if (given !== resource) isWhole = false;
    }
    return isWhole ? candidate : cut;
  }

  #kind(name: string): number {
    return this.books.kinds.numberOf(name);
  }

  #consumeReserved(resource: Resource, sign: 1 | -1): void {
    const role = reservedRole(resource);
    if (role !== undefined) this.#consume(topRole(role), resource, sign);
  }

  #consume(top: string, resource: Resource, sign: 1 | -1): void {
    if (resource.kind !== "SCALAR") return;
    this.books.consume(top, this.#kind(resource.name), sign * resource.thousandths);
    if (sign > 0) this.#hasGrown = true;
  }
}

/** In the first stage what is reserved to a role above waits for the second, as in Mesos. */
function isGiven(resource: Resource, role: string, stage: QuotaStage): boolean {
  if (stage === "REST" || resource.kind !== "SCALAR" || resource.revocable) return true;
  return reservedRole(resource) === role;
}

/** As much of the scalar as is left of its kind; a mounted disk whole or not at all. */
function take(resource: Resource, left: Sums): Resource | undefined {
  if (resource.kind !== "SCALAR") return resource;
  const budget = left.get(resource.name) ?? 0;
  const taken = Math.min(resource.thousandths, budget);
  if (taken < resource.thousandths && isIndivisible(resource)) return undefined;
  left.set(resource.name, budget - taken);
  if (taken === 0) return undefined;
  return taken === resource.thousandths ? resource : { ...resource, thousandths: taken };
}
