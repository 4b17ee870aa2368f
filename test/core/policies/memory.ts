/**
 * Fair shares of memory alone: for a cluster in which memory is what everybody waits for. At every
 * level of the tree, the sibling that has the least of it by its weight comes first.
 */

import { type TreeNode, treePolicy } from "../../../worker/core/allocator/policies/role-tree.ts";
import type { Policy } from "../../../worker/core/allocator/policy.ts";

export const memory: Policy = treePolicy((siblings) => siblings.toSorted(compareByMemory));

/** Among equals fewer turns, then the name: without that one of them would starve the others. */
function compareByMemory(a: TreeNode, b: TreeNode): number {
  return memoryOf(a) - memoryOf(b) || a.turns - b.turns || (a.name < b.name ? -1 : 1);
}

/** Thousandths of a megabyte, by weight. */
function memoryOf({ allocated, settings }: TreeNode): number {
  return (allocated.get("mem") ?? 0) / settings.weight;
}
