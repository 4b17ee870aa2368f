/** Checks of executors (http-semantics 15.4 row 10, 15.5). */
import { checkIdentifier } from "../../protocol/identifiers.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Resources } from "../../resources/resource.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow } from "../rows.ts";
import { validateResources } from "./validate.ts";
import { validateCommand } from "./validate-command.ts";
import { validateContainer } from "./validate-container.ts";

/** What an executor of task groups needs, in thousandths. */
const LEAST_CPUS = 10;
const LEAST_MEM = 32_000;

/** The resources of the executor that a single task brings. */
export function validateCustomExecutor(
  framework: FrameworkRow,
  executor: mesos.ExecutorInfo,
  pool: Pool,
): Result<Resources, string> {
  const { type = "CUSTOM", command } = executor;
  if (type !== "CUSTOM") return err(`Task's executor is of type ${type}; LAUNCH takes CUSTOM ones`);
  if (command === undefined) return err("Task's executor has no command");
  return validateExecutor(framework, executor, pool);
}

/** The resources of a group's executor. */
export function validateGroupExecutor(
  framework: FrameworkRow,
  executor: mesos.ExecutorInfo,
  pool: Pool,
): Result<Resources, string> {
  const type = validateType(executor);
  if (type !== undefined) return err(type);
  const resources = validateExecutor(framework, executor, pool);
  if (!resources.ok) return resources;
  const has = quantitiesOf(resources.value);
  if (quantityOf(has, "cpus") < LEAST_CPUS) return err("Executor needs at least 0.01 cpus");
  if (quantityOf(has, "mem") < LEAST_MEM) return err("Executor needs at least 32 MB of mem");
  return quantityOf(has, "disk") > 0 ? resources : err("Executor needs some disk");
}

function validateExecutor(
  framework: FrameworkRow,
  executor: mesos.ExecutorInfo,
  pool: Pool,
): Result<Resources, string> {
  const failure =
    validateIdentity(framework, executor) ??
    validateCommand("Executor", executor.command) ??
    validateContainer("Executor", executor.container);
  if (failure !== undefined) return err(failure);
  const resources = validateResources("Executor", executor.resources, pool);
  if (!resources.ok) return resources;
  return resources.value.some(({ shared }) => shared)
    ? err("Executor's resources are partly shared; only tasks can use shared volumes")
    : ok(resources.value);
}

function validateType({ type, command }: mesos.ExecutorInfo): string | undefined {
  if (type === undefined || type === "UNKNOWN") {
    return "Executor's type must be set; use DEFAULT or CUSTOM";
  }
  if (type === "CUSTOM") {
    return command === undefined ? "Executor of type CUSTOM must have a command" : undefined;
  }
  return command === undefined ? undefined : "Executor of type DEFAULT must not have a command";
}

function validateIdentity(
  framework: FrameworkRow,
  executor: mesos.ExecutorInfo,
): string | undefined {
  const id = executor.executor_id.value;
  const problem = checkIdentifier(id);
  if (problem !== undefined) return `Executor id '${id}' ${problem}`;
  const named = executor.framework_id?.value;
  if (named === undefined) return "Executor's framework_id must be set";
  if (named !== framework.id) {
    return `Executor's framework_id is ${named}, but the framework is ${framework.id}`;
  }
  const grace = executor.shutdown_grace_period?.nanoseconds ?? 0n;
  return grace < 0n ? "Executor's shutdown_grace_period must not be negative" : undefined;
}
