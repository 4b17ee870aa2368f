/**
 * The policy that a deployment might add: whoever comes first by name comes first. It is one file,
 * and only the contract suite knows it.
 */

import { treePolicy } from "../../../worker/core/allocator/policies/role-tree.ts";
import type { Policy } from "../../../worker/core/allocator/policy.ts";

/** Siblings come by name already. */
export const byName: Policy = treePolicy((siblings) => siblings);
