/** What all operations demand of the resources that they name. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { allocationRoles, parseResources } from "../resources/parse.ts";
import type { Resource, Resources } from "../resources/resource.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { OperationFacts } from "./operation.ts";
import type { OperationError } from "./operation-error.ts";

/** In normal form, not empty, of one provider, and allocated to nobody but the one who asks. */
export function readNamed(
  messages: readonly mesos.Resource[] | undefined,
  facts: OperationFacts,
): Result<Resources, OperationError> {
  const parsed = parseResources(messages);
  if (!parsed.ok) return err({ code: "RESOURCE_INVALID", error: parsed.error });
  if (parsed.value.length === 0) return err({ code: "RESOURCES_EMPTY" });
  const stranger = checkAllocation(messages, facts);
  if (stranger !== undefined) return err(stranger);
  const providers = new Set(parsed.value.map(({ providerId }) => providerId));
  return providers.size > 1 ? err({ code: "PROVIDERS_DIFFER" }) : ok(parsed.value);
}

function checkAllocation(
  messages: readonly mesos.Resource[] | undefined,
  { framework }: OperationFacts,
): OperationError | undefined {
  const roles = allocationRoles(messages);
  if (framework === undefined) return roles.size > 0 ? { code: "ALLOCATION_NAMED" } : undefined;
  const { role } = framework;
  const named = [...roles].find((other) => other !== role);
  return named === undefined ? undefined : { code: "ALLOCATED_TO_OTHER_ROLE", named, role };
}

/** The amount of a scalar; other kinds have none. */
export function thousandthsOf(resource: Resource): number {
  return resource.kind === "SCALAR" ? resource.thousandths : 0;
}

/** Who is named must be who asks, as far as it is known who asks. */
export function checkPrincipal(
  named: string | undefined,
  { principal }: OperationFacts,
): OperationError | undefined {
  if (principal === undefined || named === principal) return undefined;
  return named === undefined
    ? { code: "PRINCIPAL_DIFFERS", principal }
    : { code: "PRINCIPAL_DIFFERS", principal, named };
}
