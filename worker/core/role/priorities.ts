/**
 * Priorities: under the policy `priority`, a role is offered only what every role beside it that
 * has a higher one was passed over with. Under another policy they are kept, and mean nothing.
 */
import { checkRole } from "../../resources/roles.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { DEFAULT_ROLE_SETTINGS } from "../allocator/policy.ts";
import { rescindOffer } from "../offer/offer.ts";
import type { RoleError } from "../operator/operator-error.ts";
import type { Turn } from "../turn.ts";
import { putRole } from "./role-row.ts";

/** New priorities by role. */
export type PriorityUpdate = ReadonlyMap<string, number>;

/** Far from where a sum or difference of two would lose digits, and short enough to read. */
export const PRIORITY_MOST = 1_000_000;

/** A role that is named twice has the priority named last. */
export function parsePriorities(
  given: readonly { readonly role: string; readonly priority: number }[],
): Result<PriorityUpdate, RoleError> {
  const update = new Map<string, number>();
  for (const { role, priority } of given) {
    const problem = checkRole(role);
    if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
    if (!Number.isInteger(priority) || Math.abs(priority) > PRIORITY_MOST) {
      return err({ code: "PRIORITY_INVALID", role, priority, most: PRIORITY_MOST });
    }
    // Minus nothing is nothing.
    update.set(role, priority === 0 ? 0 : priority);
  }
  return ok(update);
}

/**
 * Sets all of them. When frameworks are subscribed to one of the roles, or below one, and the
 * policy looks at priorities, all offers are taken back and made again.
 */
export function setPriorities(turn: Turn, update: PriorityUpdate): void {
  const { cluster, framework, offer } = turn.state.tables;
  for (const [name, priority] of update) {
    const isDefault = priority === DEFAULT_ROLE_SETTINGS.priority;
    putRole(turn.state, name, { priority: isDefault ? undefined : priority });
  }
  if (cluster.get("cluster")?.policy !== "priority") return;
  const isConcerned = (role: string): boolean =>
    [...update.keys()].some((name) => role === name || role.startsWith(`${name}/`));
  if (![...framework.values()].some(({ roles }) => roles.some(isConcerned))) return;
  for (const row of [...offer.values()]) rescindOffer(turn, row);
}
