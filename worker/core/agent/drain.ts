/**
 * Taking agents out of service and back (http-semantics 13.3). A deactivated agent is offered to
 * nobody and keeps its tasks; a draining one kills them, and is DRAINED when no task and no
 * operation is left, all their ends acknowledged.
 */
import { rescindOffersOfAgent } from "../offer/offer.ts";
import type { AgentRow, DrainConfig, OperationRow, TaskRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { enqueueCommand } from "./commands.ts";
import { markGone } from "./gone.ts";

export function deactivateAgent(turn: Turn, agent: AgentRow): void {
  if (agent.service.state !== "ACTIVE") return;
  turn.state.tables.agent.put({ ...agent, service: { state: "DEACTIVATED" } });
  rescindOffersOfAgent(turn, agent.id);
}

/** An agent that is drained already gets the new configuration, and starts over. */
export function drainAgent(turn: Turn, agent: AgentRow, config: DrainConfig): void {
  const draining = turn.state.tables.agent.put({
    ...agent,
    service: { state: "DRAINING", config, startedMs: turn.nowMs },
  });
  rescindOffersOfAgent(turn, agent.id);
  enqueueCommand(turn, draining, { type: "DRAIN", config });
  settleDrain(turn, draining);
}

export function reactivateAgent(turn: Turn, agent: AgentRow): void {
  // An agent that has not heard of its drain yet is not to hear of it any more.
  for (const { seq, command } of turn.state.index.commandsOfAgent(agent.id)) {
    if (command.type === "DRAIN") turn.state.tables.command.delete(String(seq));
  }
  turn.state.tables.agent.put({ ...agent, service: { state: "ACTIVE" } });
}

/** At the end of a turn: whether something that ended was the last on an agent that is drained. */
export function settleDrains(turn: Turn): void {
  const agentIds = new Set<string>();
  for (const { table, before, after } of turn.state.changes) {
    if (after !== undefined || (table !== "task" && table !== "operation")) continue;
    agentIds.add((before as TaskRow | OperationRow).agentId);
  }
  for (const id of agentIds) {
    const agent = turn.state.tables.agent.get(id);
    if (agent !== undefined) settleDrain(turn, agent);
  }
}

function settleDrain(turn: Turn, agent: AgentRow): void {
  const { service } = agent;
  if (service.state !== "DRAINING") return;
  const { index, tables } = turn.state;
  if (index.tasksOfAgent(agent.id).length > 0) return;
  if (index.operationsOfAgent(agent.id).length > 0) return;
  const drained = tables.agent.put({ ...agent, service: { ...service, state: "DRAINED" } });
  if (service.config.markGone) markGone(turn, drained);
}
