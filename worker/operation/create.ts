/** CREATE: reserved disk becomes persistent volumes. */
import { reservedRole } from "../resources/algebra.ts";
import { isPersistentVolume, withoutVolumes } from "../resources/conversion.ts";
import type { Resource } from "../resources/resource.ts";
import { err, ok } from "../std/result.ts";
import { checkPrincipal, readNamed } from "./named-resources.ts";
import type { OperationFacts, OperationModule } from "./operation.ts";
import type { OperationError } from "./operation-error.ts";

export const create: OperationModule = {
  usableAtOnce: true,
  named: ({ create: part }) => part && (part.volumes ?? []),
  convert: ({ create: part }, facts) => {
    const volumes = readNamed(part?.volumes, facts);
    if (!volumes.ok) return volumes;
    const names = new Set(facts.total.filter(isPersistentVolume).map(nameOf));
    for (const volume of volumes.value) {
      const error = checkVolume(volume, facts);
      if (error !== undefined) return err(error);
      const id = volume.disk?.persistence?.id ?? "";
      if (names.has(nameOf(volume))) {
        return err({ code: "PERSISTENCE_ID_IN_USE", id, role: reservedRole(volume) ?? "" });
      }
      names.add(nameOf(volume));
    }
    const converted = volumes.value;
    return ok({ consumed: withoutVolumes(converted), converted });
  },
};

/** Volumes are told apart by role and persistence id; neither may have a NUL. */
function nameOf(volume: Resource): string {
  return `${reservedRole(volume)}\0${volume.disk?.persistence?.id}`;
}

function checkVolume(resource: Resource, facts: OperationFacts): OperationError | undefined {
  const { persistence, volume } = resource.disk ?? {};
  if (persistence === undefined) return { code: "NOT_VOLUME", resource };
  if (volume?.mode === "RO") return { code: "VOLUME_READ_ONLY", id: persistence.id };
  const capability = "SHARED_RESOURCES";
  const lacks = facts.framework?.capabilities.includes(capability) === false;
  if (resource.shared && lacks) return { code: "FRAMEWORK_LACKS", capability };
  return checkPrincipal(persistence.principal, facts);
}
