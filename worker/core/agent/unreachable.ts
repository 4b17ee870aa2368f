/** An agent that gave no sign of life for too long (http-semantics 10.3). Nothing on it is killed. */

import type { SessionId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import { UNREACHABLE_AGENTS_MAX } from "../constants.ts";
import { rescindOffersOfAgent } from "../offer/offer.ts";
import { operationsUnreachable } from "../operation/feedback.ts";
import { removeFromRelay } from "../relay/assign.ts";
import type { AgentRow, TaskRow } from "../rows.ts";
import { taskKey } from "../tables.ts";
import { tellUnreachable } from "../task/catch-up.ts";
import { withStatus } from "../task/complete.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { boundUnreachable } from "./collect.ts";
import { loseExecutors } from "./executors.ts";

/**
 * After a restart what agents had reported and frameworks had not heard is gone; of an agent that
 * is away nobody can repeat it.
 */
export function loseUntoldEnds(turn: Turn): void {
  for (const agent of turn.state.tables.agent.values()) {
    if (agent.connection.state !== "UNREACHABLE") continue;
    for (const task of turn.state.index.tasksOfAgent(agent.id)) {
      if (task.unreachableMs === undefined) loseTask(turn, agent, task);
    }
  }
}

/**
 * The framework is told that the task is unreachable, unless it knows how it ended, or will be
 * told. A task known to have ended stays ended; only the news of it is unreachable.
 */
function loseTask(turn: Turn, agent: AgentRow, task: TaskRow): void {
  const { tables, index } = turn.state;
  const ended = isTerminal(task.state);
  if (ended) {
    const updates = index.updatesOfTask(taskKey(task.frameworkId, task.id));
    const isTold = isTerminal(task.statusState) || updates.some(({ state }) => isTerminal(state));
    if (isTold) return;
  }
  const lost = withStatus(turn, task, {
    state: "TASK_UNREACHABLE",
    reason: "REASON_AGENT_REMOVED",
    message: `Agent ${agent.id} (${agent.hostname}) is unreachable`,
    unreachable_time: nanoseconds(turn.nowMs),
  });
  const state = ended ? task.state : lost.state;
  const row = tables.task.put({ ...lost, state, unreachableMs: turn.nowMs });
  const framework = tables.framework.get(task.frameworkId);
  if (framework !== undefined) tellUnreachable(turn, framework, row);
}

/** The relay heard nothing from this session. An older session's silence means nothing. */
export function agentSilent(turn: Turn, agent: AgentRow, sessionId: SessionId): void {
  if (agent.sessionId !== sessionId || agent.connection.state !== "CONNECTED") return;
  const { tables } = turn.state;
  removeFromRelay(turn, agent);
  tables.agent.put({ ...agent, connection: { state: "UNREACHABLE", sinceMs: turn.nowMs } });
  // In the order in which Mesos tells it: tasks, operations, offers, and then everybody.
  for (const task of turn.state.index.tasksOfAgent(agent.id)) loseTask(turn, agent, task);
  operationsUnreachable(turn, agent);
  loseExecutors(turn, agent);
  rescindOffersOfAgent(turn, agent.id);
  for (const framework of tables.framework.values()) {
    sendEvent(turn, framework, { type: "FAILURE", failure: { agent_id: { value: agent.id } } });
  }
  boundUnreachable(turn, UNREACHABLE_AGENTS_MAX);
}
