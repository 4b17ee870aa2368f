import { hasCapability } from "../framework/info.ts";
import type { FrameworkRow } from "../rows.ts";
import { type ClientFacts, NO_AGENT_AT_ALL, needsOf } from "./engine/client-masks.ts";
import { constraintsOf } from "./offer-constraints.ts";

/** What the engine has to know of a framework in one of its roles. */
export function factsOf(framework: FrameworkRow | undefined, role: string): ClientFacts {
  if (framework === undefined) return NO_AGENT_AT_ALL;
  const isPicky = framework.offerMinimums?.some((minimum) => minimum.role === role) ?? false;
  return {
    needs: needsOf({
      isMultiRole: hasCapability(framework, "MULTI_ROLE"),
      isBelow: role.includes("/"),
      takesGpus: hasCapability(framework, "GPU_RESOURCES"),
      takesRemote: hasCapability(framework, "REGION_AWARE"),
    }),
    isScreened: isPicky || constraintsOf(framework)?.groups.has(role) === true,
  };
}
