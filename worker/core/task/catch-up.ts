/** What a framework is told right after it has come back. */

import { tellOperations } from "../operation/feedback.ts";
import type { FrameworkConnection, FrameworkRow, TaskRow } from "../rows.ts";
import { sendCommands, sendEvent, type Turn } from "../turn.ts";
import { decodeStatus } from "./complete.ts";
import { stateToldTo } from "./status.ts";
import { redeliver } from "./update.ts";

/**
 * Unacknowledged updates are delivered again, and so is the news of unreachable tasks, which no
 * agent can repeat. Updates that were queued in an earlier life of the object are with the agents:
 * those are asked for them.
 */
export function catchUp(turn: Turn, framework: FrameworkRow, before: FrameworkConnection): void {
  const tasks = turn.state.index.tasksOfFramework(framework.id);
  for (const task of tasks) {
    if (task.unreachableMs !== undefined) tellUnreachable(turn, framework, task);
    else redeliver(turn, task);
  }
  tellOperations(turn, framework);
  const queueIsWhole = before.state === "CONNECTED" || before.sinceMs > turn.state.startedMs;
  if (queueIsWhole) return;
  for (const agentId of new Set(tasks.map((task) => task.agentId))) {
    const agent = turn.state.tables.agent.get(agentId);
    if (agent === undefined) continue;
    const resume_updates = { framework_id: { value: framework.id } };
    sendCommands(turn, agent, [{ type: "RESUME_UPDATES", resume_updates }]);
  }
}

/** The last status of an unreachable task, as this framework's capabilities have it. */
export function tellUnreachable(turn: Turn, framework: FrameworkRow, task: TaskRow): void {
  const text = task.statuses.at(-1);
  if (text === undefined) return;
  const status = decodeStatus(text);
  const state = stateToldTo(framework, status.state);
  sendEvent(turn, framework, { type: "UPDATE", update: { status: { ...status, state } } });
}
