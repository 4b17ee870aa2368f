import type * as master from "../../protocol/v1/master.ts";
import { deactivateAgent } from "../agent/drain.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";
import { namedAgent } from "./named-agent.ts";

/** Nothing more of the agent is offered; its tasks stay. One that is drained stays so. */
export function deactivateAgentCall(turn: Turn, { deactivate_agent: call }: master.Call): void {
  const agent = namedAgent(turn, call?.agent_id.value ?? "");
  const checked = agent.ok ? authorized(turn, { type: "DEACTIVATE_AGENT" }, agent.value) : agent;
  carryOut(turn, checked, (row) => deactivateAgent(turn, row));
}
