/** What custom executors are told (http-semantics 7.2), on the stream that they have open. */
import type { TaskId } from "../../worker/protocol/ids.ts";
import type * as executor from "../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { assert, defined } from "../../worker/std/assert.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import type { AskedKill, ExecutorRow, RunRow } from "./rows.ts";
import type { AgentState, StepContext } from "./state.ts";
import { decodeStored } from "./stored.ts";

/** To whoever has no stream nothing is sent: it subscribes, and is told what matters then. */
export function tellExecutor(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
  event: executor.Event,
): void {
  const connection = state.executorStreams.get(containerId);
  if (connection === undefined) return;
  context.effects.push({ type: "EXECUTOR_EVENT", containerId, connection, event });
}

export function closeStream(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
): void {
  const connection = state.executorStreams.get(containerId);
  state.executorStreams.delete(containerId);
  if (connection === undefined) return;
  context.effects.push({ type: "CLOSE_EXECUTOR_STREAM", containerId, connection });
}

export function subscribedEvent(state: AgentState, row: ExecutorRow): executor.Event {
  const framework = defined(state.framework.get(row.frameworkId), "its framework is known");
  const agentId = defined(state.agent.get("agent"), "executors come after registration").id;
  return {
    type: "SUBSCRIBED",
    subscribed: {
      executor_info: decodeStored("mesos.v1.ExecutorInfo", row.info),
      framework_info: decodeStored("mesos.v1.FrameworkInfo", framework.info),
      agent_info: { ...state.facts.agentInfo, id: { value: agentId } },
      container_id: { value: row.containerId },
    },
  };
}

export function launchEvent(run: RunRow): executor.Event {
  return { type: "LAUNCH", launch: { task: decodeStored("mesos.v1.TaskInfo", run.info) } };
}

/** In a group every task names its executor, as Mesos' master has it. */
export function launchGroupEvent(row: ExecutorRow, runs: readonly RunRow[]): executor.Event {
  const info = decodeStored("mesos.v1.ExecutorInfo", row.info);
  const tasks = runs.map((run) => ({
    ...decodeStored("mesos.v1.TaskInfo", run.info),
    executor: info,
  }));
  return { type: "LAUNCH_GROUP", launch_group: { task_group: { tasks } } };
}

export function killEvent(taskId: TaskId, { graceMs }: AskedKill): executor.Event {
  const policy: mesos.KillPolicy | undefined =
    graceMs === undefined
      ? undefined
      : { grace_period: { nanoseconds: BigInt(Math.round(graceMs * 1e6)) } };
  const task_id = { value: taskId };
  return {
    type: "KILL",
    kill: { task_id, ...(policy !== undefined && { kill_policy: policy }) },
  };
}

/** `uuid`: base64. */
export function acknowledgedEvent(taskId: string, uuid: string): executor.Event {
  const bytes = decodeBase64(uuid);
  assert(bytes.ok, "a uuid that was encoded here decodes");
  const task_id = { value: taskId };
  return { type: "ACKNOWLEDGED", acknowledged: { task_id, uuid: bytes.value } };
}

export const shutdownEvent: executor.Event = { type: "SHUTDOWN" };
