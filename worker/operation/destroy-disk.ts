/**
 * DESTROY_DISK: a disk of a resource provider becomes a raw one again. No agent has a resource
 * provider, so it is answered as a Mesos answers on such an agent.
 */
import { err } from "../std/result.ts";
import { readNamed } from "./named-resources.ts";
import type { OperationModule } from "./operation.ts";

export const destroyDisk: OperationModule = {
  usableAtOnce: false,
  named: ({ destroy_disk: part }) => part && [part.source],
  convert: ({ destroy_disk: part }, facts) => {
    const source = readNamed(part && [part.source], facts);
    if (!source.ok) return source;
    const [resource] = source.value;
    const providerId = resource?.providerId;
    if (providerId === undefined) return err({ code: "PROVIDER_MISSING" });
    const { type = "none", id } = resource?.disk?.source ?? {};
    const isDisk = type === "MOUNT" || type === "BLOCK" || (type === "RAW" && id !== undefined);
    const wanted = "MOUNT, BLOCK, or RAW with an id";
    if (!isDisk) return err({ code: "DISK_SOURCE_UNFIT", type, wanted });
    const volume = resource?.disk?.persistence?.id;
    if (volume !== undefined) return err({ code: "IS_VOLUME", id: volume });
    return err({ code: "PROVIDER_NOT_FOUND", providerId });
  },
};
