/**
 * Looks at one agent by its rows: at what is reserved, shared, revocable or indivisible, which
 * numbers do not tell. For agents with nothing of that kind the engine decides the same, faster.
 */
import type { AgentId } from "../../protocol/ids.ts";
import { add, isEmpty, subtract } from "../../resources/algebra.ts";
import { isIndivisible } from "../../resources/compare.ts";
import type { Resource, Resources } from "../../resources/resource.ts";
import { shared } from "../../resources/shared.ts";
import { isMetered, topRole } from "../role/consumption.ts";
import type { AgentRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import type { Turn } from "../turn.ts";
import { candidateFor } from "./candidate.ts";
import type { Budget } from "./engine/gate.ts";
import { DEFAULT_MINIMUM, minimumOf } from "./minimum.ts";
import type { Client } from "./policy.ts";
import type { QuotaLedger, QuotaStage } from "./quota.ts";

/** What asking one client on rows counts as work, in steps of the budget. */
const CLIENT_WORK = 25;

interface RowLookOptions {
  readonly budget: Budget;
  /** Makes an offer of it: when this returns, it is held. */
  readonly offer: (client: Client, agent: AgentRow, resources: Resources) => void;
}

export class RowLook {
  readonly #turn: Turn;
  readonly #options: RowLookOptions;
  readonly #picky: ReadonlySet<string>;
  /** Trees that are left too little. What an offer takes makes it no more. */
  readonly #exhausted = new Set<string>();
  /** Shared volumes that are in an offer of this pass: they are given to one in a pass. */
  readonly #volumesGiven = new Map<AgentId, Resources>();

  constructor(turn: Turn, options: RowLookOptions) {
    this.#turn = turn;
    this.#options = options;
    const hasQuota = turn.state.allocation.quota() !== undefined;
    this.#picky = hasQuota ? pickyTrees(turn.state) : new Set();
  }

  /** One cycle over the agents, for a policy that numbers do not suffice for. */
  decide(agents: readonly AgentId[]): readonly AgentId[] {
    const { budget } = this.#options;
    const { allocation } = this.#turn.state;
    const half = budget.work / 2;
    let owed = 0;
    for (const id of agents) {
      const isLacking = allocation.quota()?.hasUnmetGuarantees() === true;
      if (isLacking && (budget.offers <= 0 || budget.work < half)) break;
      if (isLacking) this.look(id, "GUARANTEED");
      owed++;
    }
    if (budget.offers <= 0) return agents;
    for (let at = 0; at < owed; at++) {
      this.look(agents[at] as AgentId, "REST");
      if (budget.offers <= 0 || budget.work <= 0) return agents.slice(at + 1);
    }
    return agents.slice(owed);
  }

  /** Goes down the policy's order until nothing is left; each takes all that it may have. */
  look(agentId: AgentId, stage: QuotaStage): void {
    const { allocation, tables } = this.#turn.state;
    const quota = allocation.quota();
    const agent = tables.agent.get(agentId);
    if (agent?.connection.state !== "CONNECTED" || agent.service.state !== "ACTIVE") return;
    const unheld = allocation.free(agent);
    if (unheld === undefined) return;
    let free = subtract(unheld, this.#volumesGiven.get(agentId) ?? []);
    if (isEmpty(free)) return;
    const isMeteredWhole = stage === "REST" && free.every(isMeteredOrUncounted);
    const { random } = this.#turn;
    const skipsTree = this.#skipsTree({ agentId, stage, quota, isMeteredWhole });
    let hasGiven = false;
    for (const client of allocation.order({ random, skipsTree })) {
      if (stage === "GUARANTEED" && !quota?.lacksGuarantee(client.role)) continue;
      const candidate = this.#candidate(client, agent, { free, stage, isMeteredWhole });
      if (candidate === undefined) continue;
      this.#options.offer(client, agent, candidate);
      this.#options.budget.offers--;
      hasGiven = true;
      free = subtract(free, candidate);
      this.#noteVolumes(agentId, candidate);
      if (isEmpty(free)) return;
    }
    // Who refused a disk that could be cut may take the mounted one that is left of it.
    const isOther = quota !== undefined && hasGiven && free.some(isMountedAndMetered);
    if (stage === "REST" && isOther) allocation.lookAgain(agentId);
  }

  #candidate(
    client: Client,
    agent: AgentRow,
    facts: {
      readonly free: Resources;
      readonly stage: QuotaStage;
      readonly isMeteredWhole: boolean;
    },
  ): Resources | undefined {
    const { state } = this.#turn;
    const { role, frameworkId } = client;
    const framework = state.tables.framework.get(frameworkId);
    if (framework === undefined) return undefined;
    this.#options.budget.work -= CLIENT_WORK;
    const quota = state.allocation.quota();
    const withheld = (): void => quota?.passedOver(agent.id);
    if (facts.isMeteredWhole && quota?.isExhausted(role, minimumOf(framework, role))) {
      withheld();
      return undefined;
    }
    const { free, stage } = facts;
    const candidate = candidateFor(state, { framework, role, agent, free, stage }, withheld);
    if (candidate === "AT_OFFER_CAP") state.allocation.passedOverAtCap(framework.id, agent.id);
    return typeof candidate === "string" ? undefined : candidate;
  }

  /** Whether a top-level role is left out as a whole; asked when its turn comes. */
  #skipsTree(facts: {
    readonly agentId: AgentId;
    readonly stage: QuotaStage;
    readonly quota: QuotaLedger | undefined;
    readonly isMeteredWhole: boolean;
  }): ((top: string) => boolean) | undefined {
    const { agentId, stage, quota, isMeteredWhole } = facts;
    if (quota === undefined) return undefined;
    if (stage === "GUARANTEED") return (top) => !quota.lacksGuarantee(top);
    if (!isMeteredWhole) return undefined;
    return (top) => {
      if (this.#picky.has(top)) return false;
      if (!this.#exhausted.has(top) && !quota.isExhausted(top, DEFAULT_MINIMUM)) return false;
      this.#exhausted.add(top);
      quota.passedOver(agentId);
      return true;
    };
  }

  #noteVolumes(agentId: AgentId, offered: Resources): void {
    const volumes = shared(offered);
    if (isEmpty(volumes)) return;
    this.#volumesGiven.set(agentId, add(this.#volumesGiven.get(agentId) ?? [], volumes));
  }
}

/** Top-level roles in whose tree a framework says itself what is too little for it. */
function pickyTrees({ tables }: MasterState): ReadonlySet<string> {
  const trees = new Set<string>();
  for (const { offerMinimums } of tables.framework.values()) {
    for (const { role } of offerMinimums ?? []) trees.add(topRole(role));
  }
  return trees;
}

function isMountedAndMetered(resource: Resource): boolean {
  return isMetered(resource) && isIndivisible(resource);
}

/** Ranges and sets have no quota, but alone they are no offer. */
function isMeteredOrUncounted(resource: Resource): boolean {
  return isMetered(resource) || resource.kind !== "SCALAR";
}
