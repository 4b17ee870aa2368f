/** The persistent volumes that resources name. Source: http-semantics 5.3, 17.4. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { type VolumeName, volumeKey } from "./rows.ts";

/** A volume as one task or executor gets it. */
export interface MountedVolume extends VolumeName {
  /** Where it appears in the sandbox. */
  readonly containerPath: string;
  readonly shared: boolean;
  readonly readOnly: boolean;
}

/** In their order, each once. */
export function volumesOf(
  resources: readonly mesos.Resource[] | undefined,
): readonly MountedVolume[] {
  const volumes = new Map<string, MountedVolume>();
  for (const resource of resources ?? []) {
    const persistenceId = resource.disk?.persistence?.id;
    if (persistenceId === undefined) continue;
    const containerPath = resource.disk?.volume?.container_path ?? "";
    const shared = resource.shared !== undefined;
    const readOnly = resource.disk?.volume?.mode === "RO";
    const volume = { role: roleOf(resource), persistenceId, containerPath, shared, readOnly };
    volumes.set(volumeKey(volume), volume);
  }
  return [...volumes.values()];
}

/** The innermost reservation's role, in either format. */
function roleOf({ reservations, role }: mesos.Resource): string {
  return reservations?.at(-1)?.role ?? role ?? "*";
}
