/** RESERVE: resources get one more reservation. Source: http-semantics 5.3; Mesos validation.cpp. */
import { equals, normalize, reservedRole } from "../resources/algebra.ts";
import { isDynamicallyReserved, withoutLastReservation } from "../resources/conversion.ts";
import type { Resource, Resources } from "../resources/resource.ts";
import { err, ok } from "../std/result.ts";
import { checkPrincipal, readNamed } from "./named-resources.ts";
import type { OperationFacts, OperationModule } from "./operation.ts";
import type { OperationError } from "./operation-error.ts";

export const reserve: OperationModule = {
  usableAtOnce: true,
  named: ({ reserve: part }) => part && [...(part.resources ?? []), ...(part.source ?? [])],
  convert: ({ reserve: part }, facts) => {
    const resources = readNamed(part?.resources, facts);
    if (!resources.ok) return resources;
    for (const resource of resources.value) {
      const error = checkReservation(resource, facts);
      if (error !== undefined) return err(error);
    }
    const converted = resources.value;
    if ((part?.source ?? []).length === 0) {
      return ok({ consumed: withoutLastReservation(converted), converted });
    }
    if (facts.framework !== undefined) return err({ code: "SOURCE_NOT_FOR_FRAMEWORKS" });
    const source = readNamed(part?.source, facts);
    if (!source.ok) return source;
    if (!equals(unreservedAll(source.value), unreservedAll(converted))) {
      return err({ code: "SOURCE_DIFFERS" });
    }
    return ok({ consumed: source.value, converted });
  },
};

function unreservedAll(resources: Resources): Resources {
  return normalize(resources.map((resource) => ({ ...resource, reservations: [] })));
}

function checkReservation(resource: Resource, facts: OperationFacts): OperationError | undefined {
  if (!isDynamicallyReserved(resource)) return { code: "NOT_DYNAMICALLY_RESERVED", resource };
  const id = resource.disk?.persistence?.id;
  if (id !== undefined) return { code: "IS_VOLUME", id };
  const role = reservedRole(resource) ?? "";
  const isRefined = resource.reservations.length > 1;
  return (
    checkFramework(role, isRefined, facts) ??
    checkPrincipal(resource.reservations.at(-1)?.principal, facts) ??
    checkAgent(role, isRefined, facts)
  );
}

function checkFramework(
  reserved: string,
  isRefined: boolean,
  { framework }: OperationFacts,
): OperationError | undefined {
  if (framework === undefined) return undefined;
  const { role, roles, capabilities } = framework;
  if (reserved !== role) return { code: "RESERVED_TO_OTHER_ROLE", reserved, role };
  if (!roles.includes(role)) return { code: "ROLE_NOT_SUBSCRIBED", role };
  const capability = "RESERVATION_REFINEMENT";
  if (isRefined && !capabilities.includes(capability)) {
    return { code: "FRAMEWORK_LACKS", capability };
  }
  return undefined;
}

function checkAgent(
  role: string,
  isRefined: boolean,
  { agentCapabilities: has }: OperationFacts,
): OperationError | undefined {
  if (role.includes("/") && !has.includes("HIERARCHICAL_ROLE")) {
    return { code: "AGENT_LACKS", capability: "HIERARCHICAL_ROLE" };
  }
  if (isRefined && !has.includes("RESERVATION_REFINEMENT")) {
    return { code: "AGENT_LACKS", capability: "RESERVATION_REFINEMENT" };
  }
  return undefined;
}
