/** The offer operations that convert resources: one file each, and this table. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { parseResources } from "../resources/parse.ts";
import { create } from "./create.ts";
import { createDisk } from "./create-disk.ts";
import { destroy } from "./destroy.ts";
import { destroyDisk } from "./destroy-disk.ts";
import { growVolume } from "./grow-volume.ts";
import type { OperationModule, OperationType } from "./operation.ts";
import type { OperationError } from "./operation-error.ts";
import { reserve } from "./reserve.ts";
import { shrinkVolume } from "./shrink-volume.ts";
import { unreserve } from "./unreserve.ts";

export const operations: { readonly [T in OperationType]: OperationModule } = {
  RESERVE: reserve,
  UNRESERVE: unreserve,
  CREATE: create,
  DESTROY: destroy,
  GROW_VOLUME: growVolume,
  SHRINK_VOLUME: shrinkVolume,
  CREATE_DISK: createDisk,
  DESTROY_DISK: destroyDisk,
};

/** What is wrong with the operation by itself, whoever asks for it; undefined: nothing. */
export function checkForm(
  type: OperationType,
  operation: mesos.OfferOperation,
): OperationError | undefined {
  const named = operations[type].named(operation);
  if (named === undefined) return { code: "PART_MISSING", part: type.toLowerCase() };
  const parsed = parseResources(named);
  return parsed.ok ? undefined : { code: "RESOURCE_INVALID", error: parsed.error };
}
