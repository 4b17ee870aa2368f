import type * as own from "../../protocol/own/operator.ts";
import type { RoleOverview } from "./role-overview.ts";

/** What Mesos does not say of a role: its share, its quota and use, and each of its frameworks. */
export function roleStanding(role: RoleOverview): own.RoleStanding {
  const { priority, share, guarantees, limits, consumed, allocated, offered, reserved } = role;
  return {
    priority,
    ...share,
    guarantees,
    limits,
    consumed,
    allocated,
    offered,
    reserved,
    frameworks: role.frameworks.map((framework) => ({
      framework_id: framework.frameworkId,
      ...framework.share,
      allocated: framework.allocated,
      offered: framework.offered,
      offers: framework.offers,
    })),
  };
}
