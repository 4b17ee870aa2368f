/**
 * An agent of which more is held than it has is offered to nobody. It comes to that from outside
 * only: a task that was thought lost runs after all, on resources that have been offered meanwhile.
 */
import type { AgentId } from "../../protocol/ids.ts";
import type { AgentRow, ExecutorRow, TaskRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { rescindOffersOfAgent } from "./offer.ts";

/** Looks at the agents that the turn touched; what is left of them can be offered again. */
export function rescindOverCommitted(turn: Turn): void {
  const { allocation, index, tables } = turn.state;
  for (const id of touchedAgents(turn)) {
    const agent = tables.agent.get(id);
    if (agent === undefined || index.offersOfAgent(id).length === 0) continue;
    if (allocation.free(agent) === undefined) rescindOffersOfAgent(turn, id);
  }
}

function touchedAgents({ state }: Turn): ReadonlySet<AgentId> {
  const ids = new Set<AgentId>();
  for (const { table, after } of state.changes) {
    if (after === undefined) continue;
    // A change's row is one of its table.
    if (table === "agent") ids.add((after as AgentRow).id);
    else if (table === "task" || table === "executor") {
      ids.add((after as TaskRow | ExecutorRow).agentId);
    }
  }
  return ids;
}
