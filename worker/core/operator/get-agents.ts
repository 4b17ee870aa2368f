import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import { renderForDocuments } from "../../resources/render.ts";
import { agentInfo } from "../agent/info.ts";
import type { AgentRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { renderAllocated } from "./holdings.ts";
import { groupsOf, type Holdings, NO_HOLDINGS, type Snapshot } from "./snapshot.ts";

/**
 * Unreachable agents are not listed; none waits as recovered, because an agent's row survives a
 * restart.
 */
export function getAgents(snapshot: Snapshot): LongMessage<"mesos.v1.master.Response.GetAgents"> {
  return longMessage("mesos.v1.master.Response.GetAgents", (of) => [
    of.list("agents", function* () {
      const { ofAgent } = yield* groupsOf(snapshot);
      for (const agent of snapshot.agents) {
        if (!isRegistered(agent)) {
          yield undefined;
          continue;
        }
        const message = agentMessage(agent, ofAgent.get(agent.id) ?? NO_HOLDINGS);
        // Mesos shows it here and nowhere else: a field of the API before v1.
        yield { ...message, agent_info: { ...message.agent_info, checkpoint: true } };
      }
    }),
    of.list("recovered_agents", () => []),
  ]);
}

export function isRegistered({ connection }: AgentRow): boolean {
  return connection.state === "CONNECTED";
}

export function registeredAgents({ tables }: MasterState): readonly AgentRow[] {
  return [...tables.agent.values()].filter(isRegistered);
}

/** Whether it may be offered. */
export function isActive(agent: AgentRow): boolean {
  return isRegistered(agent) && agent.service.state === "ACTIVE";
}

/** The agent's address as an actor, which old clients take apart. */
export function agentPid({ ip, port }: AgentRow): string {
  return `slave(1)@${ip}:${port}`;
}

/** Undefined while the agent is not drained. */
export function drainInfo({ service }: AgentRow): mesos.DrainInfo | undefined {
  if (service.state !== "DRAINING" && service.state !== "DRAINED") return undefined;
  const { maxGracePeriodNs, markGone } = service.config;
  const period = maxGracePeriodNs === undefined ? undefined : BigInt(maxGracePeriodNs);
  return {
    state: service.state,
    config: {
      ...(period !== undefined && { max_grace_period: { nanoseconds: period } }),
      mark_gone: markGone,
    },
  };
}

export function agentMessage(
  agent: AgentRow,
  { used, offered }: Holdings,
): master.ResponseGetAgentsAgent {
  const { version, registeredMs, reregisteredMs, total, capabilities } = agent;
  const drain_info = drainInfo(agent);
  return {
    agent_info: agentInfo(agent),
    active: isActive(agent),
    deactivated: agent.service.state !== "ACTIVE",
    version,
    pid: agentPid(agent),
    registered_time: nanoseconds(registeredMs),
    ...(reregisteredMs !== undefined && { reregistered_time: nanoseconds(reregisteredMs) }),
    total_resources: renderForDocuments(total),
    allocated_resources: renderAllocated(used),
    offered_resources: renderAllocated(offered),
    capabilities: capabilities.map((type) => ({ type })),
    ...(drain_info !== undefined && { drain_info }),
    ...("startedMs" in agent.service && {
      // In whole seconds, as Mesos shows it.
      estimated_drain_start_time: nanoseconds(Math.floor(agent.service.startedMs / 1_000) * 1_000),
    }),
  };
}
