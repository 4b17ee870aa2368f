/**
 * CREATE_DISK: a raw disk of a resource provider becomes a mounted or a block disk. No agent has a
 * resource provider, so it is answered as a Mesos answers on such an agent.
 */
import { err } from "../std/result.ts";
import { readNamed } from "./named-resources.ts";
import type { OperationModule } from "./operation.ts";

export const createDisk: OperationModule = {
  usableAtOnce: false,
  named: ({ create_disk: part }) => part && [part.source],
  convert: ({ create_disk: part }, facts) => {
    const source = readNamed(part && [part.source], facts);
    if (!source.ok) return source;
    const [resource] = source.value;
    const providerId = resource?.providerId;
    if (providerId === undefined) return err({ code: "PROVIDER_MISSING" });
    const { type = "none", profile } = resource?.disk?.source ?? {};
    if (type !== "RAW") return err({ code: "DISK_SOURCE_UNFIT", type, wanted: "RAW" });
    const target = part?.target_type ?? "UNKNOWN";
    if (target !== "MOUNT" && target !== "BLOCK") {
      return err({ code: "TARGET_UNFIT", type: target });
    }
    const sourceHasProfile = profile !== undefined;
    if (sourceHasProfile === (part?.target_profile !== undefined)) {
      return err({ code: "PROFILE_UNFIT", sourceHasProfile });
    }
    return err({ code: "PROVIDER_NOT_FOUND", providerId });
  },
};
