import type * as master from "../../protocol/v1/master.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { markGone } from "../agent/gone.ts";
import type { CallError } from "../call-error.ts";
import type { AgentRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

/** Also of an unreachable agent; of one that is gone already it is no mistake. */
export function markAgentGone(turn: Turn, { mark_agent_gone: call }: master.Call): void {
  carryOut(turn, check(turn, call?.agent_id.value ?? ""), (agent) => {
    if (agent !== undefined) markGone(turn, agent);
  });
}

function check(turn: Turn, agentId: string): Result<AgentRow | undefined, CallError> {
  const { agent, goneAgent } = turn.state.tables;
  const allowed = authorized(turn, { type: "MARK_AGENT_GONE" }, agent.get(agentId));
  if (!allowed.ok || allowed.value !== undefined) return allowed;
  return goneAgent.has(agentId) ? ok(undefined) : err({ code: "AGENT_NOT_FOUND", agentId });
}
