/**
 * Why a client is offered nothing of an agent, by the code that decides it (`candidate.ts`): first
 * with what is free, then with what is free once the offers of others have ended.
 */
import type { FrameworkId } from "../../../../protocol/ids.ts";
import type * as own from "../../../../protocol/own/operator.ts";
import type * as scheduler from "../../../../protocol/v1/scheduler.ts";
import { add, reservedRole, resourcesFor } from "../../../../resources/algebra.ts";
import type { Quantities, Resources } from "../../../../resources/resource.ts";
import { notShared } from "../../../../resources/shared.ts";
import { defined, unreachable } from "../../../../std/assert.ts";
import { agentInfo } from "../../../agent/info.ts";
import {
  type CandidateRequest,
  candidateFor,
  type NoCandidate,
  unansweredFor,
} from "../../../allocator/candidate.ts";
import { strip } from "../../../allocator/eligible.ts";
import { amountIn, isAllocatable, minimumOf } from "../../../allocator/minimum.ts";
import { constraintsOf, failing } from "../../../allocator/offer-constraints.ts";
import { obstacleTo, type QuotaObstacle } from "../../../allocator/quota-obstacle.ts";
import { hasCapability, offerConstraintsOf } from "../../../framework/info.ts";
import type { Refusal } from "../../../offer/refusals.ts";
import { isMetered } from "../../../role/consumption.ts";
import type { AgentRow, FrameworkRow, OfferRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import { constraintText } from "./constraint-text.ts";
import type { Finding, Problem, RefusingCall } from "./finding.ts";
import { mainHolder } from "./holders.ts";
import { lostTo } from "./lost.ts";
import type { Standings } from "./standings.ts";

/** The id of whoever would run a task that is wished for, by no framework in particular. */
export const ANYBODY = "" as FrameworkId;

/** A framework in a role; with a wish its minimum is the wish. */
export interface Asker {
  readonly framework: FrameworkRow;
  readonly role: string;
  /** What stands against every offer to it. */
  readonly problem: Problem | undefined;
}

export interface Scene {
  readonly state: MasterState;
  readonly nowMs: number;
  readonly standings: Standings;
  nameOf(client: { readonly frameworkId: string; readonly role: string }): own.ClientName;
}

/** What is the same for everybody who asks for the agent. */
export interface AgentScene {
  readonly agent: AgentRow;
  readonly offers: readonly OfferRow[];
  /** Undefined: more is held than there is. */
  readonly free: Resources | undefined;
  /** Nobody is offered anything of it. */
  readonly finding: Finding | undefined;
}

export function agentScene({ state, nowMs }: Scene, agent: AgentRow): AgentScene {
  const offers = state.index.offersOfAgent(agent.id);
  const free = state.allocation.free(agent);
  return { agent, offers, free, finding: agentFinding(agent, free, nowMs) };
}

function agentFinding(
  { connection, service }: AgentRow,
  free: Resources | undefined,
  nowMs: number,
): Finding | undefined {
  if (connection.state === "UNREACHABLE") {
    return { reason: "AGENT_UNREACHABLE", since_seconds: secondsSince(connection.sinceMs, nowMs) };
  }
  switch (service.state) {
    case "DEACTIVATED":
      return { reason: "AGENT_DEACTIVATED" };
    case "DRAINED":
      return { reason: "AGENT_DRAINED" };
    case "DRAINING":
      return { reason: "AGENT_DRAINING", since_seconds: secondsSince(service.startedMs, nowMs) };
    case "ACTIVE":
      return free === undefined ? { reason: "AGENT_OVERCOMMITTED" } : undefined;
    default:
      return unreachable(service);
  }
}

export function explain(scene: Scene, asker: Asker, place: AgentScene): Finding {
  const { framework, role } = asker;
  const own = place.offers.filter((offer) => isOf(asker, offer));
  const offered = own.find(({ resources }) => isAllocatable(framework, role, resources));
  if (offered !== undefined) return offeredSince(offered, scene.nowMs);
  if (place.finding !== undefined) return place.finding;
  const free = defined(place.free, "an agent without a finding has something free or nothing");
  const verdict = verdictOn(scene, asker, place.agent, free);
  if (verdict.reason !== "BELOW_MINIMUM") return verdict;
  return explainLack(scene, asker, place, free);
}

function isOf({ framework, role }: Asker, offer: OfferRow): boolean {
  return offer.frameworkId === framework.id && offer.role === role;
}

function offeredSince({ createdMs }: OfferRow, nowMs: number): Finding {
  return { reason: "OFFERED", since_seconds: secondsSince(createdMs, nowMs) };
}

/** With what is free there is too little: where is the rest? */
function explainLack(
  scene: Scene,
  asker: Asker,
  { agent, offers }: AgentScene,
  free: Resources,
): Finding {
  const { framework, role } = asker;
  const amount = amountText(minimumOf(framework, role));
  const whole = wholeFinding(asker, agent, amount);
  if (whole !== undefined) return whole;
  const returned = offers.reduce((sum, { resources }) => add(sum, notShared(resources)), free);
  const verdict = verdictOn(scene, asker, agent, returned);
  if (verdict.reason === "AVAILABLE") {
    // It would be a matter of whose turn it is, if the offers had not been made.
    const other = offers.find((offer) => !isOf(asker, offer));
    if (other !== undefined) return lostTo(scene, asker, other);
    const [own] = offers;
    if (own !== undefined) return offeredSince(own, scene.nowMs);
  } else if (verdict.reason !== "BELOW_MINIMUM") return verdict;
  return { reason: "IN_USE", amount, holder: mainHolder(scene, agent) };
}

/** Why not even the whole agent would do; undefined: it would. */
function wholeFinding(
  { framework, role }: Asker,
  agent: AgentRow,
  amount: string,
): Finding | undefined {
  const { total } = agent;
  const suits = (resources: Resources): boolean => isAllocatable(framework, role, resources);
  const usable = resourcesFor(total, role);
  if (suits(strip(framework, usable))) return undefined;
  if (suits(usable)) {
    return { reason: "NOT_UNDERSTOOD", amount, capability: lackedCapability(framework, usable) };
  }
  if (suits(total)) return { reason: "RESERVED", amount, role: mostReservedTo(total, usable) };
  const { kind, wanted } = shortest(minimumOf(framework, role), total);
  const facts = { kind, wanted: wanted / 1_000, free: amountIn(total, kind) / 1_000 };
  return { reason: "TOO_SMALL", amount, ...facts };
}

type Verdict = Finding | { readonly reason: "BELOW_MINIMUM" };

/** What the allocator would say of so much. */
function verdictOn(scene: Scene, asker: Asker, agent: AgentRow, free: Resources): Verdict {
  const { state } = scene;
  const { framework, role } = asker;
  const request = { framework, role, agent, free };
  const quota = state.allocation.quota();
  if (quota?.lacksGuarantee(role)) {
    const first = candidateFor(state, { ...request, stage: "GUARANTEED" }, nobody);
    if (typeof first !== "string") return { reason: "AVAILABLE" };
  }
  const rest: CandidateRequest = { ...request, stage: "REST" };
  const candidate = candidateFor(state, rest, nobody);
  if (typeof candidate !== "string") return { reason: "AVAILABLE" };
  return withFacts(scene, asker, rest, candidate);
}

function nobody(): void {}

function withFacts(
  scene: Scene,
  asker: Asker,
  request: CandidateRequest,
  reason: NoCandidate,
): Verdict {
  const { agent } = request;
  switch (reason) {
    case "BELOW_MINIMUM":
    case "AGENT_NOT_MULTI_ROLE":
    case "AGENT_NOT_HIERARCHICAL":
    case "FRAMEWORK_NOT_GPU_AWARE":
      return { reason };
    case "FRAMEWORK_NOT_REGION_AWARE": {
      const region = agentInfo(agent).domain?.fault_domain?.region.name ?? "";
      const home = scene.state.settings.domain?.fault_domain?.region.name ?? "";
      return { reason, region, home_region: home };
    }
    case "CONSTRAINED":
      return constrained(asker, agent);
    case "WITHHELD_BY_QUOTA":
      return withheld(scene, asker, request);
    case "REFUSED":
      return refused(scene, asker, request);
    case "AT_OFFER_CAP": {
      const { id } = asker.framework;
      const offers = scene.state.index.offersOfFramework(id);
      return { reason, outstanding_offers: offers.length };
    }
    default:
      return unreachable(reason);
  }
}

function constrained({ framework, role }: Asker, agent: AgentRow): Finding {
  const constraints = constraintsOf(framework);
  const places = constraints === undefined ? [] : failing(constraints, role, agent);
  const message: scheduler.OfferConstraints = offerConstraintsOf(framework);
  const groups = message.role_constraints?.[role]?.groups ?? [];
  const texts = places.map((place, group) => {
    const constraint = groups[group]?.attribute_constraints?.[place];
    return constraint === undefined ? "" : constraintText(constraint);
  });
  return { reason: "CONSTRAINED", role, constraint: [...new Set(texts)].join(" or ") };
}

/** The kind that is short, of the set that comes nearest. */
function withheld({ state }: Scene, asker: Asker, { free }: CandidateRequest): Verdict {
  const quota = defined(state.allocation.quota(), "a quota withholds it");
  const { framework, role } = asker;
  const wanted = resourcesFor(free, role);
  for (const least of minimumOf(framework, role)) {
    for (const [kind, amount] of Object.entries(least)) {
      // What is reserved or revocable is given whatever the quota.
      const metered =
        amount -
        amountIn(
          wanted.filter((one) => !isMetered(one)),
          kind,
        );
      const wish = { kind, thousandths: metered };
      const obstacle = metered > 0 ? obstacleTo(quota, role, wish) : undefined;
      if (obstacle !== undefined) return obstacleFinding(obstacle, wish);
    }
  }
  return { reason: "BELOW_MINIMUM" };
}

function obstacleFinding(
  obstacle: QuotaObstacle,
  { kind, thousandths }: { readonly kind: string; readonly thousandths: number },
): Finding {
  const facts = { kind, wanted: thousandths / 1_000 };
  switch (obstacle.type) {
    case "LIMIT": {
      const { role, limit, consumed } = obstacle;
      const amounts = { limit: limit / 1_000, consumed: consumed / 1_000 };
      return { reason: "QUOTA_LIMIT", role, ...facts, ...amounts };
    }
    case "HEADROOM": {
      const guaranteed = obstacle.lacking
        .slice(0, GUARANTEES_NAMED)
        .map((owed) => ({ role: owed.role, kind, lacking: owed.thousandths / 1_000 }));
      return { reason: "QUOTA_HEADROOM", ...facts, free: obstacle.free / 1_000, guaranteed };
    }
    default:
      return unreachable(obstacle);
  }
}

const GUARANTEES_NAMED = 5;

const CALLS: { readonly [C in Refusal["row"]["cause"]]: RefusingCall } = {
  DECLINED: "DECLINE",
  LEFT_OVER: "ACCEPT",
  INVALID_ACCEPT: "INVALID_ACCEPT",
  TIMED_OUT: "TIMEOUT",
};

function refused({ state, nowMs }: Scene, asker: Asker, request: CandidateRequest): Verdict {
  const { framework, role } = asker;
  const candidate = unansweredFor(state, request, nobody);
  const client = { frameworkId: framework.id, role, agentId: request.agent.id };
  const refusal =
    typeof candidate === "string" ? undefined : state.refusals.keeping(client, candidate);
  if (refusal === undefined) return { reason: "AVAILABLE" };
  const { cause, expiresAtMs, blocksAll } = refusal.row;
  const untilMs = Math.max(0, expiresAtMs - nowMs);
  const facts = { call: CALLS[cause], until_seconds: untilMs / 1_000 };
  return { reason: blocksAll ? "BRAKED" : "REFUSED", ...facts };
}

function lackedCapability(framework: FrameworkRow, usable: Resources): string {
  const has = (capability: FrameworkRow["capabilities"][number]): boolean =>
    hasCapability(framework, capability);
  if (!has("REVOCABLE_RESOURCES") && usable.some(({ revocable }) => revocable)) {
    return "REVOCABLE_RESOURCES";
  }
  if (!has("SHARED_RESOURCES") && usable.some(({ shared }) => shared)) return "SHARED_RESOURCES";
  return "RESERVATION_REFINEMENT";
}

/** The role that most entries of what is not for everybody are reserved to. */
function mostReservedTo(total: Resources, usable: Resources): string {
  const counts = new Map<string, number>();
  for (const resource of total) {
    const role = usable.includes(resource) ? undefined : reservedRole(resource);
    if (role !== undefined) counts.set(role, (counts.get(role) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? "";
}

/** The kind that there is too little of, in the first set. */
function shortest(
  anyOf: readonly Quantities[],
  has: Resources,
): { readonly kind: string; readonly wanted: number } {
  const [least = {}] = anyOf;
  const short = Object.entries(least).find(([kind, wanted]) => amountIn(has, kind) < wanted);
  const [kind, wanted] = short ?? Object.entries(least)[0] ?? ["cpus", 0];
  return { kind, wanted };
}

/** "cpus:2; mem:512", and what else would do. */
function amountText(anyOf: readonly Quantities[]): string {
  if (anyOf.length === 0) return "anything";
  const textOf = (least: Quantities): string =>
    Object.entries(least)
      .map(([kind, thousandths]) => `${kind}:${thousandths / 1_000}`)
      .join("; ");
  return anyOf.map(textOf).join(" or ");
}

function secondsSince(ms: number, nowMs: number): number {
  return Math.max(0, nowMs - ms) / 1_000;
}
