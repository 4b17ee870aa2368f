import type * as master from "../../protocol/v1/master.ts";
import { renderForDocuments } from "../../resources/render.ts";
import { agentInfo } from "../agent/info.ts";
import type { AgentRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { offeredIn, renderAllocated, usedBy } from "./holdings.ts";

/**
 * Unreachable agents are not listed; none waits as recovered, because an agent's row survives a
 * restart.
 */
export function getAgents(state: MasterState): master.Response {
  const agents = registeredAgents(state).map((agent) => agentMessage(state, agent));
  return { type: "GET_AGENTS", get_agents: { agents, recovered_agents: [] } };
}

export function registeredAgents(state: MasterState): readonly AgentRow[] {
  const isRegistered = ({ connection }: AgentRow): boolean => connection.state === "CONNECTED";
  return [...state.tables.agent.values()].filter(isRegistered);
}

/** The agent's address as an actor, which old clients take apart. */
export function agentPid({ ip, port }: AgentRow): string {
  return `slave(1)@${ip}:${port}`;
}

function agentMessage(state: MasterState, agent: AgentRow): master.ResponseGetAgentsAgent {
  const { id, version, registeredMs, reregisteredMs, total, capabilities } = agent;
  return {
    agent_info: agentInfo(agent),
    active: true,
    deactivated: false,
    version,
    pid: agentPid(agent),
    registered_time: nanoseconds(registeredMs),
    ...(reregisteredMs !== undefined && { reregistered_time: nanoseconds(reregisteredMs) }),
    total_resources: renderForDocuments(total),
    allocated_resources: renderAllocated(usedBy(state.index.tasksOfAgent(id))),
    offered_resources: renderAllocated(offeredIn(state.index.offersOfAgent(id))),
    capabilities: capabilities.map((type) => ({ type })),
  };
}
