/** Agents that will never come back, because an operator said so (http-semantics 10.4). */
import { GONE_AGENTS_MAX } from "../constants.ts";
import type { AgentRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { removeAgent } from "./remove.ts";

/** Irreversible: its id is refused from now on, and whatever it ran counts as lost. */
export function markGone(turn: Turn, agent: AgentRow): void {
  const { goneAgent } = turn.state.tables;
  goneAgent.put({ seq: newSeq(turn.state), id: agent.id, goneMs: turn.nowMs });
  for (const oldest of goneAgent.values()) {
    if (goneAgent.size <= GONE_AGENTS_MAX) break;
    goneAgent.delete(oldest.id);
  }
  removeAgent(turn, agent, {
    state: "TASK_GONE_BY_OPERATOR",
    reason: "REASON_AGENT_REMOVED_BY_OPERATOR",
    message: `An operator marked agent ${agent.id} (${agent.hostname}) gone`,
    advice: "with an empty work directory it can join as a new one",
  });
}
