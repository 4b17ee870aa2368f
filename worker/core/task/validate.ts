/** Checks of one task before it is launched, in Mesos' order; the first failure is told (http-semantics 15.4). */

import { checkIdentifier } from "../../protocol/identifiers.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { contains } from "../../resources/algebra.ts";
import { checkOneTask, describeOneTaskError } from "../../resources/one-task.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import type { Resources } from "../../resources/resource.ts";
import { formatResources } from "../../resources/text.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { taskKey } from "../tables.ts";

/** The task's resources, or the sentence for its TASK_ERROR. */
export function validateTask(
  state: MasterState,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  pool: Pool,
): Result<Resources, string> {
  const failure =
    validateId(state, framework, task) ??
    validateAgent(task, pool) ??
    validateTimes(task) ??
    validateServed(task) ??
    validateEnvironment(task.command);
  if (failure !== undefined) return err(failure);
  const resources = validateResources(task, pool);
  if (!resources.ok) return resources;
  if ((task.command === undefined) === (task.executor === undefined)) {
    return err("Task should have exactly one of command and executor");
  }
  if (!contains(pool.resources, resources.value)) {
    return err(
      `Task needs ${formatResources(resources.value)}, but the accepted offers have only ` +
        `${formatResources(pool.resources)} left`,
    );
  }
  return resources;
}

function validateId(
  state: MasterState,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
): string | undefined {
  const id = task.task_id.value;
  const problem = checkIdentifier(id);
  if (problem !== undefined) return `Task id '${id}' ${problem}`;
  if (!state.tables.task.has(taskKey(framework.id, id))) return undefined;
  return `Task has duplicate ID: ${id}; the id can be used again once that task is completed`;
}

function validateAgent(task: mesos.TaskInfo, pool: Pool): string | undefined {
  const named = task.agent_id.value;
  if (named === pool.agent.id) return undefined;
  return `Task uses agent ${named} while the accepted offers are of agent ${pool.agent.id}`;
}

function validateTimes(task: mesos.TaskInfo): string | undefined {
  if ((task.kill_policy?.grace_period?.nanoseconds ?? 0n) < 0n) {
    return "Task's kill_policy.grace_period must not be negative";
  }
  if ((task.max_completion_time?.nanoseconds ?? 0n) < 0n) {
    return "Task's max_completion_time must not be negative";
  }
  return undefined;
}

/**
 * What no agent of this version can do is refused before it is tried: nothing is silently left out.
 */
function validateServed(task: mesos.TaskInfo): string | undefined {
  const refusals: readonly (readonly [unknown, string])[] = [
    [task.executor, "executor: custom executors are not served by this version; use command"],
    [
      task.container,
      "container: containers with an image or volumes are not served by this version",
    ],
    [task.check, "check: checks are not served by this version"],
    [task.health_check, "health_check: health checks are not served by this version"],
    [task.limits, "limits: limits above the requested resources are not served by this version"],
    [
      task.command?.uris,
      "command.uris: the fetcher is not served by this version; fetch in command",
    ],
  ];
  const found = refusals.find(([field]) => field !== undefined);
  return found === undefined ? undefined : `Task's ${found[1]}`;
}

function validateEnvironment(command: mesos.CommandInfo | undefined): string | undefined {
  for (const variable of command?.environment?.variables ?? []) {
    const where = `Task's environment variable '${variable.name}'`;
    if (variable.type === "SECRET" || variable.secret !== undefined) {
      return `${where} is a SECRET: secrets are not served by this version`;
    }
    if (variable.value === undefined) return `${where} has no value`;
    if (variable.value.includes("\0") || variable.name.includes("\0")) {
      return `${where} contains a NUL character`;
    }
  }
  return undefined;
}

function validateResources(task: mesos.TaskInfo, pool: Pool): Result<Resources, string> {
  for (const resource of task.resources ?? []) {
    const role = resource.allocation_info?.role ?? pool.role;
    if (role !== pool.role) {
      return err(
        `Task's resource '${resource.name}' is allocated to role '${role}' while the accepted ` +
          `offers are of role '${pool.role}'`,
      );
    }
  }
  const parsed = parseResources(task.resources);
  if (!parsed.ok) return err(`Task's ${describeResourceError(parsed.error)}`);
  const problem = checkOneTask(parsed.value);
  if (problem !== undefined) return err(`Task's resources: ${describeOneTaskError(problem)}`);
  if (parsed.value.length === 0)
    return err("Task uses no resources; it needs at least some cpus or mem");
  return ok(parsed.value);
}
