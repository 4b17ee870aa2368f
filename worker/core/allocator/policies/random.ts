/**
 * A weighted lottery: at every level of the tree, each sibling's chance to come next is its weight
 * among those that are left. Shares do not matter.
 *
 * The smallest policy there is; copy it to begin another one.
 */
import type { Policy } from "../policy.ts";
import { type ArrangeContext, type TreeNode, treePolicy } from "./role-tree.ts";

export const random: Policy = { ...treePolicy(draw), decidesBy: "LOT" };

function* draw(
  siblings: readonly TreeNode[],
  { random }: ArrangeContext,
): Generator<TreeNode, void, undefined> {
  const left = [...siblings];
  while (left.length > 0) {
    const weights = left.reduce((sum, { settings }) => sum + settings.weight, 0);
    const at = indexOfTicket(left, random.next() * weights);
    yield* left.splice(at, 1);
  }
}

/** Where a ticket falls when the siblings lie side by side, each as wide as its weight. */
function indexOfTicket(siblings: readonly TreeNode[], ticket: number): number {
  let end = 0;
  const at = siblings.findIndex(({ settings }) => {
    end += settings.weight;
    return ticket < end;
  });
  // Rounding may have put the ticket at the very end.
  return at < 0 ? siblings.length - 1 : at;
}
