import { err, ok, type Result } from "../../std/result.ts";
import type { CallError } from "../call-error.ts";
import type { AgentRow } from "../rows.ts";
import type { Turn } from "../turn.ts";

/** The agent that a call names, also when it is unreachable. */
export function namedAgent(turn: Turn, agentId: string): Result<AgentRow, CallError> {
  const agent = turn.state.tables.agent.get(agentId);
  return agent === undefined ? err({ code: "AGENT_UNKNOWN", agentId }) : ok(agent);
}
