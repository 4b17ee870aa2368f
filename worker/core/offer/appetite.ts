/** REVIVE and SUPPRESS: whether a framework wants offers for its roles. */

import { hasCapability } from "../framework/info.ts";
import type { FrameworkRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { forgetInverseFilters, liftFilters } from "./filter.ts";

/** Offers for these roles (none named = all) again, and forgets what was refused for them; not the
 * brakes, which end within a second. */
export function revive(turn: Turn, framework: FrameworkRow, named: readonly string[]): void {
  const roles = concerned(framework, named);
  if (roles === undefined) return;
  liftFilters(turn, framework.id, (role) => roles.includes(role));
  // Those have no role, so that one role's REVIVE forgets them all, as in Mesos.
  forgetInverseFilters(turn, framework.id);
  const suppressedRoles = framework.suppressedRoles.filter((role) => !roles.includes(role));
  // Whoever refused nothing and suppressed nothing has been offered all that is free: no pass. But
  // of a shared volume there is always another copy.
  if (hasCapability(framework, "SHARED_RESOURCES")) turn.state.allocation.wants(framework.id);
  if (suppressedRoles.length === framework.suppressedRoles.length) return;
  turn.state.tables.framework.put({ ...framework, suppressedRoles });
}

/** No further offers for these roles (none named = all). Outstanding offers stay. */
export function suppress(turn: Turn, framework: FrameworkRow, named: readonly string[]): void {
  const roles = concerned(framework, named);
  if (roles === undefined) return;
  const suppressedRoles = [...new Set([...framework.suppressedRoles, ...roles])];
  if (suppressedRoles.length === framework.suppressedRoles.length) return;
  turn.state.tables.framework.put({ ...framework, suppressedRoles });
}

/** Undefined: a role is not the framework's, so the whole call is ignored (http-semantics 4.1). */
function concerned(
  framework: FrameworkRow,
  named: readonly string[],
): readonly string[] | undefined {
  if (named.length === 0) return framework.roles;
  return named.every((role) => framework.roles.includes(role)) ? named : undefined;
}
