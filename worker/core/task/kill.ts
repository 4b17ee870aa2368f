import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { enqueueCommand } from "../agent/commands.ts";
import type { FrameworkRow } from "../rows.ts";
import { taskKey } from "../tables.ts";
import type { Turn } from "../turn.ts";
import { reconcileTask } from "./reconcile.ts";

/**
 * KILL: a command that waits for the agent if it is away. An unknown task is answered as RECONCILE
 * would; a known one with another agent's id is ignored. An unreachable one is answered, too, since
 * Mesos would not know it any more; it is killed when it comes back.
 */
export function kill(turn: Turn, framework: FrameworkRow, call: scheduler.CallKill): void {
  const task = turn.state.tables.task.get(taskKey(framework.id, call.task_id.value));
  if (task === undefined) {
    reconcileTask(turn, framework, call.task_id.value, call.agent_id?.value);
    return;
  }
  if (call.agent_id !== undefined && call.agent_id.value !== task.agentId) return;
  if (task.unreachableMs !== undefined) reconcileTask(turn, framework, task.id, undefined);
  const agent = turn.state.tables.agent.get(task.agentId);
  if (agent === undefined) return;
  enqueueCommand(turn, agent, {
    type: "KILL_TASK",
    frameworkId: framework.id,
    taskId: task.id,
    run: task.run,
    gracePeriodNs: call.kill_policy?.grace_period?.nanoseconds.toString(),
  });
}
