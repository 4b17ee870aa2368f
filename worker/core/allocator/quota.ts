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
import { quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import { MIN_REFUSE_MS } from "../constants.ts";
import { isMetered, meteredIn, topRole } from "../role/consumption.ts";
import type { AgentRow, RoleRow } from "../rows.ts";

/** First everybody is offered what he is guaranteed and lacks, then the rest is given away. */
export type QuotaStage = "GUARANTEED" | "REST";

type Quota = NonNullable<RoleRow["quota"]>;

/** Thousandths per kind, which may pass through negative numbers. */
type Sums = Map<string, number>;

/** What one agent adds to the sums. */
interface AgentPart {
  readonly free: Quantities;
  readonly reserved: readonly (readonly [top: string, quantities: Quantities])[];
}

export class QuotaLedger {
  readonly #quotas = new Map<string, Quota>();
  /** Per role with a quota; outstanding offers count. */
  readonly #consumed = new Map<string, Sums>();
  /** Neither reserved nor revocable, on agents that are offered, with nobody. */
  readonly #free: Sums = new Map();
  readonly #agents = new Map<AgentId, AgentPart>();
  /** Agents of which something was withheld because of a quota. */
  readonly #passedOver = new Set<AgentId>();
  /** Kind → what all roles together lack of it; made again when consumption has changed. */
  readonly #requirements = new Map<string, number>();
  /** Roles that lack some of their guarantee. */
  readonly #lacking = new Set<string>();
  #isFreed = false;
  /** When they were looked at last. */
  #wokenMs = 0;
  /** Something has grown since no role was over its limit. */
  #hasGrown = true;

  constructor(roles: Iterable<RoleRow>) {
    for (const { name, quota } of roles) {
      if (quota === undefined) continue;
      this.#quotas.set(name, quota);
      this.#consumed.set(name, new Map());
      this.#noteLack(name);
    }
  }

  /** The agent is as `agent` says now (undefined: not there), and `held` of it is with somebody. */
  agentIs(id: AgentId, agent: AgentRow | undefined, held: Resources): void {
    const before = this.#agents.get(id);
    if (before !== undefined) this.#count(before, -1);
    this.#agents.delete(id);
    if (agent?.connection.state !== "CONNECTED") return;
    const part = this.#partOf(agent, held);
    this.#agents.set(id, part);
    this.#count(part, 1);
  }

  /** Somebody in the role got the resources (`sign` 1), or gave them back (-1). */
  held(role: string, resources: Resources, sign: 1 | -1): void {
    const top = topRole(role);
    if (this.#quotas.has(top)) this.#consume(top, meteredIn(resources), sign);
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

  rolesOverLimit(): readonly string[] {
    if (!this.#hasGrown) return [];
    const over = [...this.#quotas.keys()].filter((role) =>
      Object.keys(this.#quotas.get(role)?.limits ?? {}).some((kind) =>
        this.isOverLimit(role, kind),
      ),
    );
    this.#hasGrown = over.length > 0;
    return over;
  }

  isOverLimit(top: string, kind: string): boolean {
    return this.#leftOf(top, kind) < 0;
  }

  isAboveGuarantee(top: string, kind: string): boolean {
    const quota = this.#quotas.get(top);
    return quota === undefined || this.#consumedBy(top, kind) > quantityOf(quota.guarantees, kind);
  }

  /** Whether a role lacks some of its guarantee. */
  hasUnmetGuarantees(): boolean {
    return this.#lacking.size > 0;
  }

  lacksGuarantee(role: string): boolean {
    return this.#lacking.has(topRole(role));
  }

  /** Kinds of which less is free than is guaranteed and lacking. */
  shortfall(): readonly string[] {
    const kinds = [...this.#quotas.values()].flatMap(({ guarantees }) => Object.keys(guarantees));
    return [...new Set(kinds)].filter((kind) => {
      return this.#required(kind) > (this.#free.get(kind) ?? 0);
    });
  }

  /**
   * Whether the role is left too little for each of the sets, of whatever agent; for those of which
   * everything is metered, which is quicker than `within`.
   */
  isExhausted(role: string, anyOf: readonly Quantities[]): boolean {
    const top = topRole(role);
    const isLeft = ([kind, amount]: readonly [string, number]): boolean =>
      Math.min(this.#leftOf(top, kind), this.#surplus(kind)) >= amount;
    return anyOf.length > 0 && !anyOf.some((least) => Object.entries(least).every(isLeft));
  }

  /** The agent has something that a role was not offered because of a quota. */
  passedOver(agentId: AgentId): void {
    this.#passedOver.add(agentId);
  }

  /**
   * What of `candidate` the role may be offered of an agent at this stage; `candidate` itself when
   * that is all of it. Reserved, revocable and
   * uncountable resources are not metered; scalars are cut to what is left of the limit and of what
   * nobody else is guaranteed, and in the first stage to what is guaranteed, plus that.
   */
  within(role: string, candidate: Resources, stage: QuotaStage): Resources {
    const top = topRole(role);
    const left = new Map<string, number>();
    let isNeeded = stage === "REST";
    for (const [kind, amount] of Object.entries(meteredIn(candidate))) {
      const needed = stage === "REST" ? 0 : Math.min(amount, this.#unmet(top, kind));
      if (needed > 0) isNeeded = true;
      const more = Math.min(this.#leftOf(top, kind) - needed, this.#surplus(kind));
      left.set(kind, needed + Math.max(0, more));
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

  #partOf(agent: AgentRow, held: Resources): AgentPart {
    const reserved = new Map<string, Resource[]>();
    for (const resource of agent.total) {
      const role = reservedRole(resource);
      const top = role === undefined ? undefined : topRole(role);
      if (top === undefined || !this.#quotas.has(top)) continue;
      reserved.set(top, [...(reserved.get(top) ?? []), resource]);
    }
    const isOffered = agent.service.state === "ACTIVE";
    const taken = meteredIn(held);
    const free = Object.entries(isOffered ? meteredIn(agent.total) : {}).map(
      ([kind, amount]) => [kind, Math.max(0, amount - quantityOf(taken, kind))] as const,
    );
    return {
      free: Object.fromEntries(free),
      reserved: [...reserved].map(([top, resources]) => [top, quantitiesOf(resources)] as const),
    };
  }

  #count({ free, reserved }: AgentPart, sign: 1 | -1): void {
    addTo(this.#free, free, sign);
    for (const [top, quantities] of reserved) this.#consume(top, quantities, sign);
  }

  #noteLack(top: string): void {
    const kinds = Object.keys(this.#quotas.get(top)?.guarantees ?? {});
    if (kinds.some((kind) => this.#unmet(top, kind) > 0)) this.#lacking.add(top);
    else this.#lacking.delete(top);
  }

  #consumedBy(top: string, kind: string): number {
    return this.#consumed.get(top)?.get(kind) ?? 0;
  }

  /** Until the limit; negative when the role is over it. */
  #leftOf(top: string, kind: string): number {
    const limits = this.#quotas.get(top)?.limits ?? {};
    if (!Object.hasOwn(limits, kind)) return Number.POSITIVE_INFINITY;
    return quantityOf(limits, kind) - this.#consumedBy(top, kind);
  }

  #unmet(top: string, kind: string): number {
    const guarantee = quantityOf(this.#quotas.get(top)?.guarantees ?? {}, kind);
    return Math.max(0, guarantee - this.#consumedBy(top, kind));
  }

  /** What all roles together lack of their guarantees. */
  #required(kind: string): number {
    let sum = this.#requirements.get(kind);
    if (sum !== undefined) return sum;
    sum = 0;
    for (const top of this.#quotas.keys()) sum += this.#unmet(top, kind);
    this.#requirements.set(kind, sum);
    return sum;
  }

  #consume(top: string, quantities: Quantities, sign: 1 | -1): void {
    const consumed = this.#consumed.get(top);
    if (consumed === undefined) return;
    addTo(consumed, quantities, sign);
    this.#requirements.clear();
    this.#noteLack(top);
    if (sign > 0) this.#hasGrown = true;
  }

  /** What may be given away beyond guarantees. */
  #surplus(kind: string): number {
    const required = this.#required(kind);
    if (required === 0) return Number.POSITIVE_INFINITY;
    return (this.#free.get(kind) ?? 0) - required;
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

function addTo(sums: Sums, quantities: Quantities, sign: 1 | -1): void {
  for (const [kind, thousandths] of Object.entries(quantities)) {
    sums.set(kind, (sums.get(kind) ?? 0) + sign * thousandths);
  }
}
