/** LAUNCH: tasks become rows and RUN_TASK commands, or are refused one by one. */

import type { ExecutorId, TaskId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { subtract } from "../../resources/algebra.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import type { Resources } from "../../resources/resource.ts";
import { notShared } from "../../resources/shared.ts";
import { enqueueNumbered } from "../agent/commands.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import { frameworkInfo } from "../framework/info.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow, TaskRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { invalidTask, refuseTask } from "./refuse.ts";
import { validateTask } from "./validate.ts";

/** What is wrong with the LAUNCH as a whole, as a sentence: it fails every task in it. */
export function malformedLaunch(operation: mesos.OfferOperation): string | undefined {
  if (operation.id !== undefined) {
    return "LAUNCH must not have an operation id; remove operation.id";
  }
  return malformedTask(operation.launch?.task_infos ?? []);
}

/** One ill-formed resource spoils all tasks that come with it (http-semantics 21, trap 11). */
export function malformedTask(tasks: readonly mesos.TaskInfo[]): string | undefined {
  for (const { task_id, resources, executor } of tasks) {
    const own = parseResources(resources);
    if (!own.ok) return `Task ${task_id.value}'s ${describeResourceError(own.error)}`;
    const more = parseResources(executor?.resources);
    if (!more.ok) return `Task ${task_id.value}'s executor's ${describeResourceError(more.error)}`;
  }
  return undefined;
}

/** Launches what can be launched; returns what is left of the pool. */
export function launchTasks(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation,
  pool: Pool,
): Pool {
  let left = pool;
  for (const task of operation.launch?.task_infos ?? []) {
    left = launchTask(turn, framework, task, left);
  }
  return left;
}

function launchTask(turn: Turn, framework: FrameworkRow, task: mesos.TaskInfo, pool: Pool): Pool {
  const resources = validateTask(turn.state, framework, task, pool);
  if (!resources.ok) {
    refuseTask(turn, framework, task, invalidTask(resources.error));
    return pool;
  }
  const forbidden = forbiddenUser(turn, framework, task);
  if (forbidden !== undefined) {
    const message = `Not authorized to run tasks as user '${forbidden}'`;
    const reason = "REASON_TASK_UNAUTHORIZED";
    refuseTask(turn, framework, task, { state: "TASK_ERROR", reason, message });
    return pool;
  }
  const taskId = task.task_id.value as TaskId;
  const run = addTask(turn, framework, task, {
    pool,
    resources: resources.value,
    executorId: taskId as string as ExecutorId,
  });
  enqueueNumbered(turn, pool.agent, { type: "RUN_TASK", frameworkId: framework.id, taskId }, run);
  return { ...pool, resources: afterUse(pool.resources, resources.value) };
}

/** What is left when a task has taken its part: shared volumes stay for others. */
export function afterUse(left: Resources, used: Resources): Resources {
  return subtract(left, notShared(used));
}

/** The user that the task may not be run as; undefined: it may. */
export function forbiddenUser(
  turn: Turn,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
): string | undefined {
  const user = task.command?.user ?? task.executor?.command?.user ?? frameworkInfo(framework).user;
  return isAuthorized(turn.principal, { type: "RUN_TASK", user }) ? undefined : user;
}

/** A task as it begins; returns the number of the command that is to launch it. */
export function addTask(
  turn: Turn,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  facts: {
    readonly pool: Pool;
    readonly resources: Resources;
    readonly executorId: ExecutorId;
    readonly group?: TaskRow["group"] & { readonly run: number };
  },
): number {
  const { state } = turn;
  const { pool, resources, executorId, group } = facts;
  const seq = newSeq(state);
  const run = group?.run ?? newSeq(state);
  state.cold.put("taskBody", seq, encodeJson("mesos.v1.TaskInfo", withRole(task, pool.role)));
  state.tables.task.put({
    seq,
    frameworkId: framework.id,
    id: task.task_id.value as TaskId,
    agentId: pool.agent.id,
    run,
    executorId,
    group: group && { executorId, taskIds: group.taskIds },
    name: task.name,
    role: pool.role,
    resources,
    state: "TASK_STAGING",
    statusState: "TASK_STAGING",
    statuses: [],
  });
  return run;
}

/**
 * Resources without an allocation role are given the offer's, as Mesos does before anyone else sees
 * them.
 */
export function withRole<T extends Pick<mesos.TaskInfo, "resources">>(task: T, role: string): T {
  const resources = task.resources?.map((r) => ({ ...r, allocation_info: { role } }));
  return { ...task, resources };
}
