/** MESSAGE and SHUTDOWN: words to an executor. */

import type { ExecutorId } from "../../protocol/ids.ts";
import type * as link from "../../protocol/link/messages.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { enqueueCommand } from "../agent/commands.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import { sendCommands, sendEvent, type Turn } from "../turn.ts";

/** Best effort, as in Mesos: dropped when the agent is unknown or away. */
export function messageToExecutor(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallMessage,
): void {
  const agent = turn.state.tables.agent.get(call.agent_id.value);
  if (agent === undefined) return;
  const framework_message = {
    framework_id: { value: framework.id },
    executor_id: call.executor_id,
    data: call.data,
  };
  sendCommands(turn, agent, [{ type: "FRAMEWORK_MESSAGE", framework_message }]);
}

/** Best effort in the other direction. */
export function messageFromExecutor(
  turn: Turn,
  agent: AgentRow,
  message: link.ExecutorMessage,
): void {
  const framework = turn.state.tables.framework.get(message.framework_id.value);
  if (framework === undefined) return;
  const { executor_id, data } = message;
  sendEvent(turn, framework, {
    type: "MESSAGE",
    message: { agent_id: { value: agent.id }, executor_id, data },
  });
}

/** The executor is told to end and its container is destroyed after the grace period. */
export function shutdownExecutor(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallShutdown,
): void {
  const agent = turn.state.tables.agent.get(call.agent_id.value);
  if (agent?.connection.state !== "CONNECTED") return;
  enqueueCommand(turn, agent, {
    type: "SHUTDOWN_EXECUTOR",
    frameworkId: framework.id,
    executorId: call.executor_id.value as ExecutorId,
  });
}
