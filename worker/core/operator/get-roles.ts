import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { MasterState } from "../state.ts";
import { type Amounts, addAmounts, rolesOverview } from "./role-overview.ts";

/** A role's resources are what is allocated and offered to it, as plain amounts. */
export function getRoles(state: MasterState): master.Response {
  const roles = rolesOverview(state).map(({ name, weight, frameworkIds, allocated, offered }) => ({
    name,
    weight,
    frameworks: frameworkIds.map((value) => ({ value })),
    resources: scalarMessages(addAmounts(allocated, offered)),
  }));
  return { type: "GET_ROLES", get_roles: { roles } };
}

function scalarMessages(amounts: Amounts): readonly mesos.Resource[] {
  return Object.entries(amounts).map(([name, value]) => ({
    name,
    type: "SCALAR",
    scalar: { value },
  }));
}
