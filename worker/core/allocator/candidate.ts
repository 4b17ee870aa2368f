/**
 * What a client may be offered of an agent, or why nothing: the one place that decides it, so that
 * who explains a decision (`why`) asks the code that makes it.
 *
 * Pure: asking changes nothing and may be done at any time. Whose turn it is, and whether the agent
 * is in service at all, is asked before; see `allocate.ts`.
 */
import { resourcesFor } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { type Barrier, barrierOf, strip } from "./eligible.ts";
import { isAllocatable } from "./minimum.ts";
import type { QuotaStage } from "./quota.ts";

/** Why a client is offered nothing of an agent. Facts are found by who wants to explain it. */
export type NoCandidate =
  | Barrier
  /** Too little is free for its role, or of what its capabilities cover. */
  | "BELOW_MINIMUM"
  /** A limit, or what others are guaranteed, leaves too little of it. */
  | "WITHHELD_BY_QUOTA"
  /** The framework refused this, or more than this. */
  | "REFUSED"
  /** The framework has as many offers in hand as it may have at once. */
  | "AT_OFFER_CAP";

export interface CandidateRequest {
  readonly framework: FrameworkRow;
  readonly role: string;
  readonly agent: AgentRow;
  /** What nobody holds of the agent. */
  readonly free: Resources;
  readonly stage: QuotaStage;
}

/** Told apart by `typeof`: a reason is a string, so that neither costs an allocation. */
export function candidateFor(
  state: MasterState,
  request: CandidateRequest,
  /** Called when a quota keeps some of what is free in the last stage: the agent waits for more. */
  withheld: () => void,
): Resources | NoCandidate {
  const { framework, role, agent } = request;
  const candidate = unansweredFor(state, request, withheld);
  if (typeof candidate === "string") return candidate;
  const client = { frameworkId: framework.id, role, agentId: agent.id, number: agent.number };
  if (state.refusals.keeps(client, candidate)) return "REFUSED";
  return state.allocation.isAtOfferCap(framework.id) ? "AT_OFFER_CAP" : candidate;
}

/** What it would be, if the framework had refused nothing and had no other offers. */
export function unansweredFor(
  state: MasterState,
  request: CandidateRequest,
  withheld: () => void,
): Resources | Exclude<NoCandidate, "REFUSED" | "AT_OFFER_CAP"> {
  const { framework, role, agent, free, stage } = request;
  const barrier = barrierOf(state.settings, framework, role, agent);
  if (barrier !== undefined) return barrier;
  const wanted = strip(framework, resourcesFor(free, role));
  if (!isAllocatable(framework, role, wanted)) return "BELOW_MINIMUM";
  const candidate = state.allocation.quota()?.within(role, wanted, stage) ?? wanted;
  if (candidate !== wanted) {
    if (stage === "REST") withheld();
    if (!isAllocatable(framework, role, candidate)) return "WITHHELD_BY_QUOTA";
  }
  return candidate;
}
