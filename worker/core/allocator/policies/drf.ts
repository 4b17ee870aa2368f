/**
 * Hierarchical, weighted dominant resource fairness: at every level of the tree, the sibling with
 * the smallest share comes first.
 *
 * Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011; the hierarchy and the ties as in http-semantics
 * 12.5.
 */
import type { TreeColumns } from "../engine/tree-columns.ts";
import type { Policy } from "../policy.ts";
import { comparedPolicy } from "./role-tree.ts";

export const drf: Policy = { ...comparedPolicy(compareByShare), decidesBy: "SHARE" };

/** The smaller share first; among equal shares fewer turns, then the name. */
export function compareByShare(columns: TreeColumns, a: number, b: number): number {
  const { share, turns, rank } = columns;
  return (
    (share[a] ?? 0) - (share[b] ?? 0) ||
    (turns[a] ?? 0) - (turns[b] ?? 0) ||
    (rank[a] ?? 0) - (rank[b] ?? 0)
  );
}
