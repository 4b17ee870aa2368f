/** UNRESERVE: the last reservation goes. Who may is the authorizer's question. */
import { isDynamicallyReserved, withoutLastReservation } from "../resources/conversion.ts";
import { err, ok } from "../std/result.ts";
import { readNamed } from "./named-resources.ts";
import type { OperationModule } from "./operation.ts";

export const unreserve: OperationModule = {
  usableAtOnce: true,
  named: ({ unreserve: part }) => part && (part.resources ?? []),
  convert: ({ unreserve: part }, facts) => {
    const resources = readNamed(part?.resources, facts);
    if (!resources.ok) return resources;
    for (const resource of resources.value) {
      if (!isDynamicallyReserved(resource)) {
        return err({ code: "NOT_DYNAMICALLY_RESERVED", resource });
      }
      const id = resource.disk?.persistence?.id;
      if (id !== undefined) return err({ code: "IS_VOLUME", id });
    }
    const consumed = resources.value;
    return ok({ consumed, converted: withoutLastReservation(consumed) });
  },
};
