/** What the reference allocator lets through to whom, whatever anybody has (http-semantics 12.4). */
import { agentInfo } from "../../../worker/core/agent/info.ts";
import type { AgentRow, FrameworkRow } from "../../../worker/core/rows.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import type { Resource, Resources } from "../../../worker/resources/resource.ts";

type Capability = mesos.FrameworkInfoCapabilityType;

/** By the capabilities of both sides and by the region; `region` is the master's. */
export function mayBeOffered(
  region: string | undefined,
  { capabilities }: FrameworkRow,
  role: string,
  agent: AgentRow,
): boolean {
  const knows = (capability: Capability): boolean => capabilities.includes(capability);
  if (knows("MULTI_ROLE") && !agent.capabilities.includes("MULTI_ROLE")) return false;
  if (role.includes("/") && !agent.capabilities.includes("HIERARCHICAL_ROLE")) return false;
  if (agent.total.some(({ name }) => name === "gpus") && !knows("GPU_RESOURCES")) return false;
  const place = agentInfo(agent).domain?.fault_domain?.region.name;
  const isRemote = region !== undefined && place !== undefined && place !== region;
  return !isRemote || knows("REGION_AWARE");
}

/** Leaves out what the framework would not understand. */
export function withoutUnknown({ capabilities }: FrameworkRow, resources: Resources): Resources {
  const isUnderstood = (resource: Resource): boolean =>
    (resource.revocable !== true || capabilities.includes("REVOCABLE_RESOURCES")) &&
    (resource.shared !== true || capabilities.includes("SHARED_RESOURCES")) &&
    (resource.reservations.length < 2 || capabilities.includes("RESERVATION_REFINEMENT"));
  return resources.filter(isUnderstood);
}

/** Something, and at least one of the sets that the framework (or else Mesos) takes as enough. */
export function isEnough(
  { offerMinimums = [] }: FrameworkRow,
  role: string,
  resources: Resources,
): boolean {
  if (resources.length === 0) return false;
  const own = offerMinimums.find((minimum) => minimum.role === role);
  const sets = own?.anyOf ?? [{ cpus: 10 }, { mem: 32_000 }];
  if (sets.length === 0) return true;
  return sets.some((set) =>
    Object.entries(set).every(([name, least]) => amountOf(resources, name) >= least),
  );
}

/** Thousandths; every port and every item counts one. */
function amountOf(resources: Resources, name: string): number {
  let amount = 0;
  for (const resource of resources) {
    if (resource.name !== name) continue;
    if (resource.kind === "SCALAR") amount += resource.thousandths;
    if (resource.kind === "SET") amount += resource.items.length * 1_000;
    if (resource.kind !== "RANGES") continue;
    for (const [begin, end] of resource.ranges) amount += (end - begin + 1) * 1_000;
  }
  return amount;
}
