import type * as master from "../../protocol/v1/master.ts";
import { err, type Result } from "../../std/result.ts";
import { reactivateAgent } from "../agent/drain.ts";
import type { CallError } from "../call-error.ts";
import type { AgentRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";
import { namedAgent } from "./named-agent.ts";

export function reactivateAgentCall(turn: Turn, { reactivate_agent: call }: master.Call): void {
  const checked = check(turn, call?.agent_id.value ?? "");
  carryOut(turn, checked, (agent) => reactivateAgent(turn, agent));
}

function check(turn: Turn, agentId: string): Result<AgentRow, CallError> {
  const agent = namedAgent(turn, agentId);
  if (!agent.ok) return agent;
  const { state } = agent.value.service;
  if (state === "ACTIVE") return err({ code: "AGENT_ACTIVE", agentId });
  if (state === "DRAINING") return err({ code: "AGENT_STILL_DRAINING", agentId });
  return authorized(turn, { type: "REACTIVATE_AGENT" }, agent.value);
}
