import type { OperationFacts } from "../../operation/operation.ts";
import { normalize } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { holdsResources } from "../operator/holdings.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";

/** What decides about an operation on the agent; `asks`: a framework with offers, an operator. */
export function operationFacts(
  state: MasterState,
  agent: AgentRow,
  asks:
    | { readonly framework: FrameworkRow; readonly role: string }
    | { readonly principal?: string },
): OperationFacts {
  const facts = {
    agentCapabilities: agent.capabilities,
    total: agent.total,
    used: usedOf(state, agent),
  };
  if (!("framework" in asks)) return { ...facts, principal: asks.principal };
  const { roles, capabilities, principal } = asks.framework;
  return { ...facts, principal, framework: { role: asks.role, roles, capabilities } };
}

/** What tasks and executors have of the agent. */
function usedOf(state: MasterState, agent: AgentRow): Resources {
  const tasks = state.index.tasksOfAgent(agent.id).filter(holdsResources);
  const holders = [...tasks, ...state.index.executorsOfAgent(agent.id)];
  return normalize(holders.flatMap(({ resources }) => resources));
}
