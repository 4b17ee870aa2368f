/**
 * Strict priorities between roles, dominant resource fairness among equals: at every level of the
 * tree, a sibling of lower priority comes after all others.
 *
 * A role is offered of an agent only what every sibling of higher priority was passed over with:
 * because it wants no offers, refused it, may not use it, or is at a limit. The frameworks of a
 * role itself have the default priority among its subroles.
 */
import type { Policy } from "../policy.ts";
import { compareByShare } from "./drf.ts";
import { inOrderOf } from "./in-order.ts";
import { type TreeNode, treePolicy } from "./role-tree.ts";

export const priority: Policy = treePolicy(
  inOrderOf((a, b, context) => compareByPriority(a, b) || compareByShare(a, b, context)),
);

function compareByPriority(a: TreeNode, b: TreeNode): number {
  return b.settings.priority - a.settings.priority;
}
