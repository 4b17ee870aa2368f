/**
 * The allocator as one would explain it: plain rows, everything counted anew for every question,
 * nothing kept but whose turn it was. Slow on purpose, so that it is easy to see that it is right;
 * the allocator itself has to give the same offers (`same-as-reference.test.ts`).
 *
 * Follows http-semantics 12.3 to 12.5. Takes from the project the algebra of resources and the
 * verdict on offer constraints, which have tests of their own, and nothing of the allocator.
 */
import { admits, constraintsOf } from "../../../worker/core/allocator/offer-constraints.ts";
import { readRefused } from "../../../worker/core/offer/refused.ts";
import type * as rows from "../../../worker/core/rows.ts";
import type { MasterState } from "../../../worker/core/state.ts";
import { add, contains, resourcesFor, subtract } from "../../../worker/resources/algebra.ts";
import type { Resources } from "../../../worker/resources/resource.ts";
import { covers, leftOf, pooled, shared } from "../../../worker/resources/shared.ts";
import { isEnough, mayBeOffered, withoutUnknown } from "./reference-gates.ts";
import { inOrder, type Turns } from "./reference-order.ts";
import { type Books, cutToQuota, lacksGuarantee, topOf } from "./reference-quota.ts";

/** An offer as a decision: who is given what of which agent. */
export interface Given {
  readonly frameworkId: string;
  readonly role: string;
  readonly agentId: string;
  readonly resources: Resources;
}

/** One agent in a row of refusals. */
interface Refused extends Given {
  readonly blocksAll: boolean;
}

/** The rows that decisions depend on, as they are at one moment. */
export interface Snapshot {
  readonly policy: string;
  readonly region: string | undefined;
  /** Offers that a framework may have at once. */
  readonly offersMost: number;
  /** Whose the outstanding offers are, once for each. */
  readonly offeredTo: readonly string[];
  readonly agents: readonly rows.AgentRow[];
  readonly frameworks: readonly rows.FrameworkRow[];
  readonly roles: readonly rows.RoleRow[];
  readonly refusals: readonly Refused[];
  /** Tasks, executors and offers that hold something of an agent. */
  readonly holds: readonly Given[];
}

export function snapshotOf({ tables, settings }: MasterState): Snapshot {
  const isThere = ({ state }: rows.TaskRow): boolean =>
    !ENDED.includes(state) && state !== "TASK_UNREACHABLE";
  return {
    policy: tables.cluster.get("cluster")?.policy ?? "",
    region: settings.domain?.fault_domain?.region.name,
    offersMost: settings.maxOffersPerFramework ?? Number.POSITIVE_INFINITY,
    offeredTo: [...tables.offer.values()].map(({ frameworkId }) => frameworkId),
    agents: [...tables.agent.values()],
    frameworks: [...tables.framework.values()],
    roles: [...tables.role.values()],
    refusals: [...tables.filter.values()].flatMap((row) => refusedBy(row, tables)),
    holds: [
      ...[...tables.task.values()].filter(isThere),
      ...tables.executor.values(),
      ...tables.offer.values(),
    ],
  };
}

/** Agents that have gone are named by a number that nobody has. */
function refusedBy(row: rows.FilterRow, { agent }: MasterState["tables"]): Refused[] {
  const { frameworkId, role, blocksAll } = row;
  return readRefused(row).flatMap(([number, resources]) =>
    [...agent.values()]
      .filter((each) => each.number === number)
      .map(({ id: agentId }) => ({ frameworkId, role, agentId, resources, blocksAll })),
  );
}

const ENDED: readonly string[] = [
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
  "TASK_LOST",
  "TASK_DROPPED",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
];

/** Who is asked of an agent, the one with the best claim first. */
export type Order = (books: Snapshot, turns: Turns, agentId: string) => ReturnType<typeof inOrder>;

/**
 * One cycle over these agents, in this order. First everybody is offered what he is guaranteed and
 * lacks, then the rest is given away. `turns` is told of every offer.
 */
export function allocateByHand(
  snapshot: Snapshot,
  agentIds: readonly string[],
  turns: Turns,
  order: Order = inOrder,
): readonly Given[] {
  const given: Given[] = [];
  const books = (): Books => ({ ...snapshot, holds: [...snapshot.holds, ...given] });
  const isOwed = snapshot.roles.some(({ name }) => lacksGuarantee(books(), name));
  for (const stage of isOwed ? (["GUARANTEED", "REST"] as const) : (["REST"] as const)) {
    for (const agentId of agentIds) {
      const agent = snapshot.agents.find(({ id }) => id === agentId);
      if (agent?.connection.state !== "CONNECTED" || agent.service.state !== "ACTIVE") continue;
      let free = freeOf(books(), agent, given);
      for (const { framework, role } of order(books(), turns, agentId)) {
        if (stage === "GUARANTEED" && !lacksGuarantee(books(), topOf(role))) continue;
        if (!mayBeOffered(snapshot.region, framework, role, agent)) continue;
        const constraints = constraintsOf(framework);
        if (constraints !== undefined && !admits(constraints, role, agent)) continue;
        const wanted = withoutUnknown(framework, resourcesFor(free, role));
        if (!isEnough(framework, role, wanted)) continue;
        const resources = cutToQuota(books(), role, wanted, stage);
        if (!isEnough(framework, role, resources)) continue;
        const isRefused = ({ blocksAll, resources: refused, ...filter }: Refused): boolean =>
          filter.frameworkId === framework.id &&
          filter.agentId === agentId &&
          filter.role === role &&
          (blocksAll || contains(refused, resources));
        if (snapshot.refusals.some(isRefused)) continue;
        const inHand = [...snapshot.offeredTo, ...given.map(({ frameworkId }) => frameworkId)];
        const count = inHand.filter((id) => id === framework.id).length;
        if (count >= snapshot.offersMost) continue;
        given.push({ frameworkId: framework.id, role, agentId, resources });
        turns.took(role, framework.id);
        free = subtract(free, resources);
      }
    }
  }
  return given;
}

/**
 * What nobody has of it, without the shared volumes that are in an offer of this cycle; nothing at
 * all while more is held than there is.
 */
function freeOf(
  { holds }: Books,
  { id, total }: rows.AgentRow,
  given: readonly Given[],
): Resources {
  const held = holds
    .filter(({ agentId }) => agentId === id)
    .reduce<Resources>((sum, { resources }) => add(sum, resources), []);
  if (!covers(total, held)) return [];
  const ofAgent = given.filter(({ agentId }) => agentId === id);
  const volumes = pooled(ofAgent.map(({ resources }) => shared(resources)));
  return subtract(leftOf(total, held), volumes);
}
