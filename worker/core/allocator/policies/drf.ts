/**
 * Hierarchical, weighted dominant resource fairness: at every level of the tree, the sibling with
 * the smallest share comes first.
 *
 * Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011; the hierarchy and the ties as in http-semantics
 * 12.5.
 */
import { quantityOf } from "../../../resources/quantities.ts";
import type { Policy } from "../policy.ts";
import { inOrderOf } from "./in-order.ts";
import { type ArrangeContext, type TreeNode, treePolicy } from "./role-tree.ts";

export const drf: Policy = treePolicy(inOrderOf(compareByShare));

/** The smaller share first; among equal shares fewer turns, then the name. */
export function compareByShare(a: TreeNode, b: TreeNode, context: ArrangeContext): number {
  return (
    shareOf(a, context) - shareOf(b, context) || a.turns - b.turns || (a.name < b.name ? -1 : 1)
  );
}

function shareOf(node: TreeNode, context: ArrangeContext): number {
  if (node.share?.totalVersion !== context.totalVersion) {
    node.share = { value: dominantShare(node, context), totalVersion: context.totalVersion };
  }
  return node.share.value;
}

/**
 * Dominant share: the largest fraction of any one kind of resource, divided by the weight. Result ≥
 * 0, not capped at 1. A kind that the total does not have counts as 0.
 */
function dominantShare(node: TreeNode, { total }: ArrangeContext): number {
  let share = 0;
  for (const [kind, allocated] of node.allocated) {
    const all = quantityOf(total, kind);
    // One division, so that shares that are equal as fractions are equal as numbers too.
    if (all > 0) share = Math.max(share, allocated / (all * node.settings.weight));
  }
  return share;
}
