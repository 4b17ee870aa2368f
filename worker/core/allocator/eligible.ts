/**
 * Which agents a framework may be offered, and what of them: by the capabilities of both sides and
 * by the framework's own constraints (http-semantics 10.5, 11.5, 12.4).
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { withoutRefinements } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { agentInfo } from "../agent/info.ts";
import { hasCapability } from "../framework/info.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import type { MasterSettings } from "../settings.ts";
import { admits, constraintsOf } from "./offer-constraints.ts";

/** Asked for every agent, role and framework, so what is cheap comes first. */
export function mayUseAgent(
  settings: MasterSettings,
  framework: FrameworkRow,
  role: string,
  agent: AgentRow,
): boolean {
  const agentHas = (capability: mesos.AgentInfoCapabilityType): boolean =>
    agent.capabilities.includes(capability);
  if (hasCapability(framework, "MULTI_ROLE") && !agentHas("MULTI_ROLE")) return false;
  if (role.includes("/") && !agentHas("HIERARCHICAL_ROLE")) return false;
  if (!hasCapability(framework, "GPU_RESOURCES") && hasGpus(agent.total)) return false;
  if (!hasCapability(framework, "REGION_AWARE") && isRemote(settings, agent)) return false;
  const constraints = constraintsOf(framework);
  return constraints === undefined || admits(constraints, role, agent);
}

function hasGpus(total: Resources): boolean {
  return total.some(({ name }) => name === "gpus");
}

/** An agent without a fault domain is taken to be where the master is. */
function isRemote(settings: MasterSettings, agent: AgentRow): boolean {
  const home = settings.domain?.fault_domain?.region.name;
  if (home === undefined) return false;
  const region = agentInfo(agent).domain?.fault_domain?.region.name;
  return region !== undefined && region !== home;
}

/** Leaves out what the framework's capabilities do not cover. */
export function strip(framework: FrameworkRow, resources: Resources): Resources {
  const refined = hasCapability(framework, "RESERVATION_REFINEMENT");
  const revocable = hasCapability(framework, "REVOCABLE_RESOURCES");
  const shared = hasCapability(framework, "SHARED_RESOURCES");
  const kept = refined ? resources : withoutRefinements(resources);
  return kept.filter((r) => (revocable || !r.revocable) && (shared || !r.shared));
}
