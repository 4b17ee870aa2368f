/**
 * Which agents a framework may be offered, and what of them: by the capabilities of both sides and
 * by the framework's own constraints (http-semantics 10.5, 11.5, 12.4).
 */
import { withoutRefinements } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { agentDomain } from "../agent/info.ts";
import { hasCapability } from "../framework/info.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import type { MasterSettings } from "../settings.ts";
import { admits, constraintsOf } from "./offer-constraints.ts";

/** Why nothing of an agent is for a framework, whatever is free there. */
export type Barrier =
  /** The framework has several roles, and the agent cannot tell whose resources are whose. */
  | "AGENT_NOT_MULTI_ROLE"
  /** The role is below another one, which the agent does not know. */
  | "AGENT_NOT_HIERARCHICAL"
  /** The agent has GPUs, which are kept for those who ask for them. */
  | "FRAMEWORK_NOT_GPU_AWARE"
  /** The agent is in another region than the master. */
  | "FRAMEWORK_NOT_REGION_AWARE"
  /** The framework's own offer constraints rule the agent out. */
  | "CONSTRAINED";

/** Asked for every agent, role and framework, so what is cheap comes first. Undefined: none. */
export function barrierOf(
  settings: MasterSettings,
  framework: FrameworkRow,
  role: string,
  agent: AgentRow,
): Barrier | undefined {
  const has = (capability: FrameworkRow["capabilities"][number]): boolean =>
    hasCapability(framework, capability);
  const agentHas = (capability: AgentRow["capabilities"][number]): boolean =>
    agent.capabilities.includes(capability);
  if (has("MULTI_ROLE") && !agentHas("MULTI_ROLE")) return "AGENT_NOT_MULTI_ROLE";
  if (role.includes("/") && !agentHas("HIERARCHICAL_ROLE")) return "AGENT_NOT_HIERARCHICAL";
  if (!has("GPU_RESOURCES") && hasGpus(agent.total)) return "FRAMEWORK_NOT_GPU_AWARE";
  if (!has("REGION_AWARE") && isRemote(settings, agent)) return "FRAMEWORK_NOT_REGION_AWARE";
  const constraints = constraintsOf(framework);
  if (constraints === undefined || admits(constraints, role, agent)) return undefined;
  return "CONSTRAINED";
}

export function hasGpus(total: Resources): boolean {
  return total.some(({ name }) => name === "gpus");
}

/** Where the master is. */
export type Region = Pick<MasterSettings, "domain">;

/** An agent without a fault domain is taken to be where the master is. */
export function isRemote(settings: Region, agent: AgentRow): boolean {
  const home = settings.domain?.fault_domain?.region.name;
  if (home === undefined) return false;
  const region = agentDomain(agent)?.fault_domain?.region.name;
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
