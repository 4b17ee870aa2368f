/**
 * Strict priorities between roles, dominant resource fairness among equals: at every level of the
 * tree, a sibling of lower priority comes after all others.
 *
 * A role is offered of an agent only what every sibling of higher priority was passed over with:
 * because it wants no offers, refused it, may not use it, or is at a limit. The frameworks of a
 * role itself have the default priority among its subroles.
 */
import type { TreeColumns } from "../engine/tree-columns.ts";
import type { Policy } from "../policy.ts";
import { compareByShare } from "./drf.ts";
import { comparedPolicy } from "./role-tree.ts";

export const priority: Policy = {
  ...comparedPolicy(
    (columns, a, b) => compareByPriority(columns, a, b) || compareByShare(columns, a, b),
  ),
  decidesBy: "PRIORITY",
};

function compareByPriority({ priority: priorities }: TreeColumns, a: number, b: number): number {
  return (priorities[b] ?? 0) - (priorities[a] ?? 0);
}
