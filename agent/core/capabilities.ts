/** What this agent tells the master it can do, in the order in which a Mesos 1.12 agent says it. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";

export const agentCapabilities: readonly mesos.AgentInfoCapabilityType[] = [
  "MULTI_ROLE",
  "HIERARCHICAL_ROLE",
  "RESERVATION_REFINEMENT",
  "RESOURCE_PROVIDER",
  "RESIZE_VOLUME",
  "AGENT_OPERATION_FEEDBACK",
  "AGENT_DRAINING",
  "TASK_RESOURCE_LIMITS",
];
