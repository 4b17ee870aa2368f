/**
 * Policies that go down the tree of roles (`engine/order-tree.ts`) and put the siblings of every
 * level in order: by a comparison, whose order is kept from one agent to the next, or as they like.
 */
import type { Kinds } from "../engine/kinds.ts";
import { OrderTree, type Ranking } from "../engine/order-tree.ts";
import type { Compare } from "../engine/siblings.ts";
import type { Client, OrderRequest, Policy, RoleSettings } from "../policy.ts";

export interface TreeNode {
  /** A component of a role's name, "." for own frameworks, or a framework's id. */
  readonly name: string;
  /** Set on leaves. */
  readonly client: Client | undefined;
  /** Full name; of the role itself for its own frameworks. */
  readonly role: string;
  readonly settings: RoleSettings;
  /** Turns of all clients below; see `PolicyState.tookTurn`. */
  readonly turns: number;
  /** Dominant share of all clients below, divided by the weight. */
  readonly share: number;
  /** Thousandths that the clients below have, without kinds that are 0. */
  readonly allocated: ReadonlyMap<string, number>;
  /** The node's number in the tree; of no meaning to a policy. */
  readonly node: number;
}

/** What an arrangement may look at besides the nodes. */
export interface ArrangeContext {
  readonly random: OrderRequest["random"];
}

/**
 * Puts siblings in order, best first. Gets those only that have clients that want offers, two at
 * least, by name, in an array that it must not keep; decides with what it sees at the call, not
 * later.
 */
export type Arrange = (
  siblings: readonly TreeNode[],
  context: ArrangeContext,
) => Iterable<TreeNode>;

/** Every level is put in order anew for every agent: right for what changes with every look. */
export function treePolicy(arrange: Arrange): Policy {
  return policyOf({ type: "ARRANGED", arrange });
}

/** Every level is kept in the order of the comparison. */
export function comparedPolicy(compare: Compare): Policy {
  return policyOf({ type: "COMPARED", compare });
}

function policyOf(ranking: Ranking): Policy {
  return { create: (kinds?: Kinds) => new OrderTree(ranking, kinds) };
}
