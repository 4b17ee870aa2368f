/** LAUNCH_GROUP: all tasks of a group become rows and one command, or all are refused. */

import type { ExecutorId, TaskId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { normalize } from "../../resources/algebra.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import type { Resources } from "../../resources/resource.ts";
import { covers } from "../../resources/shared.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { enqueueNumbered } from "../agent/commands.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { addTask, afterUse, forbiddenUser, malformedTask, withRole } from "./launch.ts";
import { invalidGroup, refuseTask, type TaskRefusal } from "./refuse.ts";
import { addExecutor, type TaskExecutor, takenBy, taskExecutor } from "./task-executor.ts";
import { notLeft, validateTaskItself } from "./validate.ts";
import { hasNetworkCheck } from "./validate-check.ts";
import { validateGroupExecutor } from "./validate-executor.ts";

/** A group that can be launched. */
interface Group {
  readonly executor: TaskExecutor;
  readonly tasks: readonly { readonly info: mesos.TaskInfo; readonly resources: Resources }[];
}

/** What is wrong with the operation before anything is carried out, as a sentence. */
export function malformedGroup(operation: mesos.OfferOperation): string | undefined {
  if (operation.id !== undefined) {
    return "LAUNCH_GROUP must not have an operation id; remove operation.id";
  }
  const { executor, task_group: group } = operation.launch_group ?? {};
  const parsed = parseResources(executor?.resources);
  if (!parsed.ok) return `Executor's ${describeResourceError(parsed.error)}`;
  return malformedTask(group?.tasks ?? []);
}

/** Returns what is left of the pool. */
export function launchGroup(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation,
  pool: Pool,
): Pool {
  const { launch_group: asked } = operation;
  const tasks = asked?.task_group.tasks ?? [];
  if (asked === undefined || tasks.length === 0) return pool;
  const group = validateGroup(turn, framework, asked, pool);
  if (!group.ok) {
    for (const task of tasks) refuseTask(turn, framework, task, group.error);
    return pool;
  }
  addGroup(turn, framework, group.value, pool);
  return { ...pool, resources: afterUse(pool.resources, usedBy(group.value)) };
}

function validateGroup(
  turn: Turn,
  framework: FrameworkRow,
  asked: mesos.OfferOperationLaunchGroup,
  pool: Pool,
): Result<Group, TaskRefusal> {
  const fail = (message: string): Result<never, TaskRefusal> => err(invalidGroup(message));
  const info = withRole(asked.executor, pool.role);
  const executorResources = validateGroupExecutor(framework, asked.executor, pool);
  if (!executorResources.ok) return fail(executorResources.error);
  const tasks: { info: mesos.TaskInfo; resources: Resources }[] = [];
  const ids = new Set<string>();
  for (const task of asked.task_group.tasks ?? []) {
    const id = task.task_id.value;
    const resources = validateTaskItself(turn.state, framework, task, pool);
    if (!resources.ok) return fail(`Task '${id}' of the group: ${resources.error}`);
    const problem = ids.has(id) ? "is named twice" : problemInGroup(task, info, pool.role);
    if (problem !== undefined) return fail(`Task '${id}' of the group ${problem}`);
    ids.add(id);
    const forbidden = forbiddenUser(turn, framework, task);
    if (forbidden !== undefined) {
      const message = `Not authorized to run tasks as user '${forbidden}'`;
      const reason = "REASON_TASK_GROUP_UNAUTHORIZED";
      return err({ state: "TASK_ERROR", reason, message });
    }
    // The command names the executor once for all of them.
    tasks.push({ info: { ...task, executor: undefined }, resources: resources.value });
  }
  const resources = executorResources.value;
  const executor = taskExecutor(turn.state, framework, { info, resources }, pool);
  if (!executor.ok) return fail(executor.error);
  const group = { executor: executor.value, tasks };
  const needed = usedBy(group);
  return covers(pool.resources, needed)
    ? ok(group)
    : fail(`The group needs ${notLeft(needed, pool)}`);
}

function usedBy({ executor, tasks }: Group): Resources {
  return normalize([...takenBy(executor), ...tasks.flatMap(({ resources }) => resources)]);
}

/** The end of a sentence that begins with the task. */
function problemInGroup(
  task: mesos.TaskInfo,
  executor: mesos.ExecutorInfo,
  role: string,
): string | undefined {
  // A custom executor knows by itself what to do.
  if (task.command === undefined && executor.type === "DEFAULT") return "has no command";
  if (task.container?.type === "DOCKER") {
    return "has a container of type DOCKER, which cannot be in a group; use MESOS";
  }
  if (hasNetworkCheck(task) && (task.container?.network_infos ?? []).length > 0) {
    return "has a check over the network, and a network of its own: use a check of type COMMAND";
  }
  // The containers of a group share their executor's cgroup, which has no limits of single tasks.
  if (task.limits !== undefined) return "has limits, which need 'linux_info.share_cgroups' false";
  if (task.executor === undefined) return undefined;
  const own = encodeJson("mesos.v1.ExecutorInfo", withRole(task.executor, role));
  if (own === encodeJson("mesos.v1.ExecutorInfo", executor)) return undefined;
  return "has another executor than the group; leave it out";
}

function addGroup(turn: Turn, framework: FrameworkRow, group: Group, pool: Pool): void {
  const { executor, tasks } = group;
  const executorId = executor.info.executor_id.value as ExecutorId;
  addExecutor(turn, framework, executor, pool);
  const taskIds = tasks.map(({ info }) => info.task_id.value as TaskId);
  const run = newSeq(turn.state);
  for (const { info, resources: own } of tasks) {
    const place = { executorId, taskIds, run };
    addTask(turn, framework, info, { pool, resources: own, executorId, group: place });
  }
  enqueueNumbered(
    turn,
    pool.agent,
    { type: "RUN_TASK_GROUP", frameworkId: framework.id, executorId, taskIds },
    run,
  );
}
