import type * as mesos from "../../protocol/v1/mesos.ts";
import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import { type Amounts, addAmounts, rolesOverview } from "./role-overview.ts";
import { roleStanding } from "./role-standing.ts";
import type { Snapshot } from "./snapshot.ts";

/** A role's resources are what is allocated and offered to it, as plain amounts. */
export function getRoles(snapshot: Snapshot): LongMessage<"mesos.v1.master.Response.GetRoles"> {
  return longMessage("mesos.v1.master.Response.GetRoles", (of) => [
    of.listIfAny("roles", function* () {
      for (const role of yield* rolesOverview(snapshot)) {
        const { name, weight, frameworkIds, allocated, offered } = role;
        // Mesos' clients do not know the last field, and skip it.
        const frameworks = frameworkIds.map((value) => ({ value }));
        yield {
          name,
          weight,
          frameworks,
          resources: scalarMessages(addAmounts(allocated, offered)),
          rimrock: roleStanding(role),
        };
      }
    }),
  ]);
}

function scalarMessages(amounts: Amounts): readonly mesos.Resource[] {
  return Object.entries(amounts).map(([name, value]) => ({
    name,
    type: "SCALAR",
    scalar: { value },
  }));
}
