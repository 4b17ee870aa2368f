/** LAUNCH: tasks become rows and RUN_TASK commands, or are refused one by one. */

import type { ExecutorId, TaskId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { subtract } from "../../resources/algebra.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import type { Resources } from "../../resources/resource.ts";
import { enqueueNumbered } from "../agent/commands.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import { frameworkInfo } from "../framework/info.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { refuseTask, type TaskRefusal } from "./refuse.ts";
import { validateTask } from "./validate.ts";

/** Launches what can be launched; returns what is left of the pool. */
export function launchTasks(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation,
  pool: Pool,
): Resources {
  const tasks = operation.launch?.task_infos ?? [];
  const malformed = malformedLaunch(operation);
  if (malformed !== undefined) {
    for (const task of tasks) refuseTask(turn, framework, task, invalid(malformed));
    return pool.resources;
  }
  let left = pool.resources;
  for (const task of tasks) left = launchTask(turn, framework, task, { ...pool, resources: left });
  return left;
}

/** One ill-formed resource (or an operation id) fails every task of the LAUNCH (http-semantics 21, trap 11). */
function malformedLaunch(operation: mesos.OfferOperation): string | undefined {
  if (operation.id !== undefined)
    return "LAUNCH must not have an operation id; remove operation.id";
  for (const task of operation.launch?.task_infos ?? []) {
    const parsed = parseResources(task.resources);
    if (!parsed.ok) {
      return `Task ${task.task_id.value}'s ${describeResourceError(parsed.error)}`;
    }
  }
  return undefined;
}

function launchTask(
  turn: Turn,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  pool: Pool,
): Resources {
  const resources = validateTask(turn.state, framework, task, pool);
  if (!resources.ok) {
    refuseTask(turn, framework, task, invalid(resources.error));
    return pool.resources;
  }
  const user = task.command?.user ?? frameworkInfo(framework).user;
  if (!isAuthorized(turn.principal, { type: "RUN_TASK", user })) {
    const message = `Not authorized to run tasks as user '${user}'`;
    const reason = "REASON_TASK_UNAUTHORIZED";
    refuseTask(turn, framework, task, { state: "TASK_ERROR", reason, message });
    return pool.resources;
  }
  if (pool.agent.connection.state !== "CONNECTED") {
    const message = `Agent ${pool.agent.id} is not connected`;
    const reason = "REASON_AGENT_DISCONNECTED";
    refuseTask(turn, framework, task, { state: "TASK_DROPPED", reason, message });
    return pool.resources;
  }
  addTask(turn, framework, task, pool, resources.value);
  return subtract(pool.resources, resources.value);
}

function addTask(
  turn: Turn,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  pool: Pool,
  resources: Resources,
): void {
  const { state } = turn;
  const taskId = task.task_id.value as TaskId;
  const seq = newSeq(state);
  const run = newSeq(state);
  state.cold.put("taskBody", seq, encodeJson("mesos.v1.TaskInfo", withRole(task, pool.role)));
  state.tables.task.put({
    seq,
    frameworkId: framework.id,
    id: taskId,
    agentId: pool.agent.id,
    run,
    executorId: taskId as string as ExecutorId,
    name: task.name,
    role: pool.role,
    resources,
    state: "TASK_STAGING",
    statusState: "TASK_STAGING",
    statuses: [],
  });
  enqueueNumbered(turn, pool.agent, { type: "RUN_TASK", frameworkId: framework.id, taskId }, run);
}

/**
 * Resources without an allocation role are given the offer's, as Mesos does before anyone else sees
 * them.
 */
function withRole(task: mesos.TaskInfo, role: string): mesos.TaskInfo {
  const resources = task.resources?.map((r) => ({ ...r, allocation_info: { role } }));
  return { ...task, resources };
}

function invalid(message: string): TaskRefusal {
  return { state: "TASK_ERROR", reason: "REASON_TASK_INVALID", message };
}
