/** An agent that gave no sign of life for too long (http-semantics 10.3). Nothing on it is killed. */

import type { SessionId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import { rescindOffersOfAgent } from "../offer/offer.ts";
import { removeFromRelay } from "../relay/assign.ts";
import type { AgentRow } from "../rows.ts";
import { tellUnreachable } from "../task/catch-up.ts";
import { withStatus } from "../task/complete.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { sendEvent, type Turn } from "../turn.ts";

/** The relay heard nothing from this session. An older session's silence means nothing. */
export function agentSilent(turn: Turn, agent: AgentRow, sessionId: SessionId): void {
  if (agent.sessionId !== sessionId || agent.connection.state !== "CONNECTED") return;
  const { tables } = turn.state;
  rescindOffersOfAgent(turn, agent.id);
  removeFromRelay(turn, agent);
  tables.agent.put({ ...agent, connection: { state: "UNREACHABLE", sinceMs: turn.nowMs } });
  for (const task of turn.state.index.tasksOfAgent(agent.id)) {
    if (isTerminal(task.state)) continue;
    const lost = withStatus(turn, task, {
      state: "TASK_UNREACHABLE",
      reason: "REASON_AGENT_REMOVED",
      message: `Agent ${agent.id} (${agent.hostname}) is unreachable`,
      unreachable_time: nanoseconds(turn.nowMs),
    });
    const row = tables.task.put({ ...lost, unreachableMs: turn.nowMs });
    const framework = tables.framework.get(task.frameworkId);
    if (framework !== undefined) tellUnreachable(turn, framework, row);
  }
  for (const framework of tables.framework.values()) {
    sendEvent(turn, framework, { type: "FAILURE", failure: { agent_id: { value: agent.id } } });
  }
}
