/**
 * Puts siblings in the order of a comparison, beginning with how they were ordered last: only those
 * that have changed since are moved. An offer changes one of them.
 */
import type { Arrange, ArrangeContext, TreeNode } from "./role-tree.ts";

/** Total: never 0 for two siblings. Depends on nothing but the two nodes and the total. */
export type Compare = (a: TreeNode, b: TreeNode, context: ArrangeContext) => number;

/** So many are moved one by one also among few. */
const MOVED_AT_LEAST = 4;

export function inOrderOf(compare: Compare): Arrange {
  return (siblings, context) => {
    const parent = siblings[0]?.parent;
    const children = reordered(parent?.ordered, siblings, { compare, context });
    for (const child of siblings) child.changed = false;
    if (parent !== undefined) parent.ordered = { children, totalVersion: context.totalVersion };
    return children;
  };
}

function reordered(
  last: TreeNode["ordered"],
  siblings: readonly TreeNode[],
  by: { readonly compare: Compare; readonly context: ArrangeContext },
): readonly TreeNode[] {
  const changed = siblings.filter((child) => child.changed);
  // Who came is among the changed ones; with as many as before, nobody went.
  const isSame = changed.length === 0 && last?.children.length === siblings.length;
  const isKnown = last?.totalVersion === by.context.totalVersion;
  // Each of them costs a move of all that come after it.
  if (!isKnown || changed.length > Math.max(MOVED_AT_LEAST, siblings.length / 8)) {
    return siblings.toSorted((a, b) => by.compare(a, b, by.context));
  }
  if (isSame) return last.children;
  // Who went since has changed, too: there is nobody active in it.
  const children = last.children.filter((child) => !child.changed);
  for (const child of changed) children.splice(placeOf(child, children, by), 0, child);
  return children;
}

/** How many of them come before the child. */
function placeOf(
  child: TreeNode,
  children: readonly TreeNode[],
  { compare, context }: { readonly compare: Compare; readonly context: ArrangeContext },
): number {
  let [low, high] = [0, children.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = children[middle];
    if (other !== undefined && compare(other, child, context) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
