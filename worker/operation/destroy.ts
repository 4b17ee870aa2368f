/** DESTROY: persistent volumes become plain reserved disk again, and their data is gone. */
import { contains } from "../resources/algebra.ts";
import { withoutVolumes } from "../resources/conversion.ts";
import { err, ok } from "../std/result.ts";
import { readNamed } from "./named-resources.ts";
import type { OperationModule } from "./operation.ts";

export const destroy: OperationModule = {
  usableAtOnce: true,
  named: ({ destroy: part }) => part && (part.volumes ?? []),
  convert: ({ destroy: part }, facts) => {
    const volumes = readNamed(part?.volumes, facts);
    if (!volumes.ok) return volumes;
    for (const resource of volumes.value) {
      const id = resource.disk?.persistence?.id;
      if (id === undefined) return err({ code: "NOT_VOLUME", resource });
      if (!contains(facts.total, [resource])) return err({ code: "VOLUME_NOT_FOUND", id });
      if (contains(facts.used, [resource])) return err({ code: "VOLUME_IN_USE", id });
    }
    const consumed = volumes.value;
    return ok({ consumed, converted: withoutVolumes(consumed) });
  },
};
