/** The volume whose size GROW_VOLUME and SHRINK_VOLUME change: what both demand of it. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { isIndivisible } from "../resources/compare.ts";
import { withoutVolume } from "../resources/conversion.ts";
import type { Resource } from "../resources/resource.ts";
import { err, ok, type Result } from "../std/result.ts";
import { readNamed } from "./named-resources.ts";
import type { OperationFacts } from "./operation.ts";
import type { OperationError } from "./operation-error.ts";

export function readResized(
  message: mesos.Resource | undefined,
  facts: OperationFacts,
): Result<Resource, OperationError> {
  const named = readNamed(message && [message], facts);
  if (!named.ok) return named;
  const [volume] = named.value;
  if (volume === undefined) return err({ code: "RESOURCES_EMPTY" });
  const id = volume.disk?.persistence?.id;
  if (id === undefined) return err({ code: "NOT_VOLUME", resource: volume });
  const capability = "RESIZE_VOLUME";
  if (!facts.agentCapabilities.includes(capability))
    return err({ code: "AGENT_LACKS", capability });
  if (volume.providerId !== undefined) return err({ code: "OF_PROVIDER" });
  if (volume.shared) return err({ code: "VOLUME_SHARED", id });
  if (isIndivisible(withoutVolume(volume))) return err({ code: "VOLUME_ON_MOUNT", id });
  return ok(volume);
}

export function resized(resource: Resource, thousandths: number): Resource {
  return resource.kind === "SCALAR" ? { ...resource, thousandths } : resource;
}
