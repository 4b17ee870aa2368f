/** Checks of one task before it is launched, in Mesos' order; the first failure is told (http-semantics 15.4). */

import { checkIdentifier } from "../../protocol/identifiers.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { checkOneTask, describeOneTaskError } from "../../resources/one-task.ts";
import { allocationRoles, describeResourceError, parseResources } from "../../resources/parse.ts";
import { quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Resources } from "../../resources/resource.ts";
import { formatResources } from "../../resources/text.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { taskKey } from "../tables.ts";
import { validateChecks } from "./validate-check.ts";
import { validateCommand } from "./validate-command.ts";
import { validateContainer } from "./validate-container.ts";

/** "cpus:2, but the accepted offers have only cpus:1 left" */
export function notLeft(needed: Resources, pool: Pool): string {
  const [wanted, left] = [formatResources(needed), formatResources(pool.resources)];
  return `${wanted}, but the accepted offers have only ${left} left`;
}

/** The rules of a task however it is launched: rows 1 to 8. */
export function validateTaskItself(
  state: MasterState,
  framework: FrameworkRow,
  task: mesos.TaskInfo,
  pool: Pool,
): Result<Resources, string> {
  const failure =
    validateId(state, framework, task) ??
    validateAgent(task, pool) ??
    validateTimes(task) ??
    validateChecks(task);
  if (failure !== undefined) return err(failure);
  const resources = validateResources("Task", task.resources, pool);
  if (!resources.ok) return resources;
  const later =
    validateCommand("Task", task.command) ??
    validateContainer("Task", task.container) ??
    validateLimits(task, resources.value, pool);
  return later === undefined ? resources : err(later);
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

/** A task may use more than it asked for up to its limits, which are not below that. */
function validateLimits(
  { limits }: mesos.TaskInfo,
  resources: Resources,
  { agent }: Pool,
): string | undefined {
  for (const [name, { value }] of Object.entries(limits ?? {})) {
    if (name !== "cpus" && name !== "mem") {
      return `Task's limits name '${name}'; only cpus and mem can have a limit`;
    }
    const requested = quantityOf(quantitiesOf(resources), name);
    // Infinity is a limit, NaN is none.
    if (!(value * 1_000 >= requested)) {
      return `Task's limit of ${value} ${name} is below the ${requested / 1_000} that it requests`;
    }
    if (!agent.capabilities.includes("TASK_RESOURCE_LIMITS")) {
      return `Task has limits, but agent ${agent.id} lacks the capability TASK_RESOURCE_LIMITS`;
    }
  }
  return undefined;
}

/** `owner`: "Task" or "Executor", for the sentence. A task without resources is in order. */
export function validateResources(
  owner: string,
  messages: readonly mesos.Resource[] | undefined,
  pool: Pool,
): Result<Resources, string> {
  const other = [...allocationRoles(messages)].find((role) => role !== pool.role);
  if (other !== undefined) {
    return err(
      `${owner}'s resources are allocated to role '${other}' while the accepted offers are of ` +
        `role '${pool.role}'`,
    );
  }
  const parsed = parseResources(messages);
  if (!parsed.ok) return err(`${owner}'s ${describeResourceError(parsed.error)}`);
  const problem = checkOneTask(parsed.value);
  if (problem !== undefined) return err(`${owner}'s resources: ${describeOneTaskError(problem)}`);
  return ok(parsed.value);
}
