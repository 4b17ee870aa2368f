/**
 * Agents that nobody has heard of for weeks are forgotten, and so are those marked gone, as Mesos'
 * registry does (http-semantics 10.4). Their rows are timers of their own.
 */
import type { AgentRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { forgetAgent } from "./remove.ts";

/** The agent's time to come back is over. */
export function agentExpired(turn: Turn, id: string): void {
  const agent = turn.state.tables.agent.get(id);
  if (agent?.connection.state === "UNREACHABLE") forgetAgent(turn, agent);
}

/** When more than `most` agents are unreachable, those that are so for longest go. */
export function boundUnreachable(turn: Turn, most: number): void {
  const { agent } = turn.state.tables;
  // Looked at one by one only when there may be too many.
  if (agent.size <= most) return;
  const unreachable: { readonly row: AgentRow; readonly sinceMs: number }[] = [];
  for (const row of agent.values()) {
    const { connection } = row;
    if (connection.state === "UNREACHABLE") unreachable.push({ row, sinceMs: connection.sinceMs });
  }
  unreachable.sort((a, b) => a.sinceMs - b.sinceMs);
  const excess = unreachable.slice(0, Math.max(0, unreachable.length - most));
  for (const { row } of excess) forgetAgent(turn, row);
}
