/** LAUNCH: tasks become rows and RUN_TASK commands, or are refused one by one. */

import type { ExecutorId, TaskId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { normalize, subtract } from "../../resources/algebra.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import type { Resources } from "../../resources/resource.ts";
import { covers, notShared } from "../../resources/shared.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { enqueueNumbered } from "../agent/commands.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import { frameworkInfo } from "../framework/info.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow, TaskRow } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { invalidTask, refuseTask } from "./refuse.ts";
import { addExecutor, type TaskExecutor, takenBy, taskExecutor } from "./task-executor.ts";
import { notLeft, validateTaskItself } from "./validate.ts";
import { validateCustomExecutor } from "./validate-executor.ts";

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
  const valid = validateTask(turn.state, framework, task, pool);
  if (!valid.ok) {
    refuseTask(turn, framework, task, invalidTask(valid.error));
    return pool;
  }
  const forbidden = forbiddenUser(turn, framework, task);
  if (forbidden !== undefined) {
    const message = `Not authorized to run tasks as user '${forbidden}'`;
    const reason = "REASON_TASK_UNAUTHORIZED";
    refuseTask(turn, framework, task, { state: "TASK_ERROR", reason, message });
    return pool;
  }
  const { resources, executor } = valid.value;
  if (executor !== undefined) addExecutor(turn, framework, executor, pool);
  const taskId = task.task_id.value as TaskId;
  // What the executor was checked as is what the agent gets.
  const info = executor === undefined ? task : { ...task, executor: executor.info };
  const executorId = executor?.info.executor_id.value ?? taskId;
  const run = addTask(turn, framework, info, {
    pool,
    resources,
    executorId: executorId as ExecutorId,
    hasOwnExecutor: executor !== undefined,
  });
  enqueueNumbered(turn, pool.agent, { type: "RUN_TASK", frameworkId: framework.id, taskId }, run);
  return { ...pool, resources: afterUse(pool.resources, neededBy(valid.value)) };
}

interface ValidTask {
  readonly resources: Resources;
  /** Absent: the task has a command. */
  readonly executor?: TaskExecutor;
}

function neededBy({ resources, executor }: ValidTask): Resources {
  return executor === undefined ? resources : normalize([...takenBy(executor), ...resources]);
}

/** The error is the sentence for the task's TASK_ERROR. */
function validateTask(
  state: MasterState,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  pool: Pool,
): Result<ValidTask, string> {
  const resources = validateTaskItself(state, framework, task, pool);
  if (!resources.ok) return resources;
  if ((task.command === undefined) === (task.executor === undefined)) {
    return err("Task should have exactly one of command and executor");
  }
  const executor = executorOfTask(state, framework, task, pool);
  if (!executor.ok) return executor;
  const valid = {
    resources: resources.value,
    ...(executor.value !== undefined && { executor: executor.value }),
  };
  const needed = neededBy(valid);
  return covers(pool.resources, needed) ? ok(valid) : err(`Task needs ${notLeft(needed, pool)}`);
}

function executorOfTask(
  state: MasterState,
  framework: FrameworkRow,
  { executor }: mesos.TaskInfo,
  pool: Pool,
): Result<TaskExecutor | undefined, string> {
  if (executor === undefined) return ok(undefined);
  const framework_id = executor.framework_id ?? { value: framework.id };
  const info = { ...withRole(executor, pool.role), framework_id };
  const resources = validateCustomExecutor(framework, { ...executor, framework_id }, pool);
  if (!resources.ok) return resources;
  return taskExecutor(state, framework, { info, resources: resources.value }, pool);
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
    readonly hasOwnExecutor?: boolean;
    readonly group?: TaskRow["group"] & { readonly run: number };
  },
): number {
  const { state } = turn;
  const { pool, resources, executorId, hasOwnExecutor, group } = facts;
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
    ...(hasOwnExecutor === true && { hasOwnExecutor }),
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
