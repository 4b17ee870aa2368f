/** Checks of executors (http-semantics 15.4 row 10, 15.5). */
import { checkIdentifier } from "../../protocol/identifiers.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Resources } from "../../resources/resource.ts";
import { err, type Result } from "../../std/result.ts";
import type { Pool } from "../offer/pool.ts";
import type { FrameworkRow } from "../rows.ts";
import { validateResources } from "./validate.ts";
import { validateContainer } from "./validate-container.ts";

/** What the built-in executor of task groups needs, in thousandths. */
const LEAST_CPUS = 10;
const LEAST_MEM = 32_000;

/** Why a task with an executor of its own cannot be launched: no agent runs one yet. */
export function validateCustomExecutor(
  framework: FrameworkRow,
  executor: mesos.ExecutorInfo,
): string {
  const { type = "CUSTOM" } = executor;
  if (type !== "CUSTOM") return `Task's executor is of type ${type}; LAUNCH takes CUSTOM ones`;
  if (executor.command === undefined) return "Task's executor has no command";
  const filled = { ...executor, framework_id: executor.framework_id ?? { value: framework.id } };
  return (
    validateIdentity(framework, filled) ??
    "Task's executor: custom executors are not served by this version; use command"
  );
}

/** The resources of a group's executor. */
export function validateGroupExecutor(
  framework: FrameworkRow,
  executor: mesos.ExecutorInfo,
  pool: Pool,
): Result<Resources, string> {
  const failure =
    validateType(executor) ??
    validateIdentity(framework, executor) ??
    validateContainer("Executor", executor.container);
  if (failure !== undefined) return err(failure);
  const resources = validateResources("Executor", executor.resources, pool);
  if (!resources.ok) return resources;
  if (resources.value.some(({ shared }) => shared)) {
    return err("Executor's resources are partly shared; only tasks can use shared volumes");
  }
  const has = quantitiesOf(resources.value);
  if (quantityOf(has, "cpus") < LEAST_CPUS) return err("Executor needs at least 0.01 cpus");
  if (quantityOf(has, "mem") < LEAST_MEM) return err("Executor needs at least 32 MB of mem");
  return quantityOf(has, "disk") > 0 ? resources : err("Executor needs some disk");
}

function validateType({ type, command }: mesos.ExecutorInfo): string | undefined {
  if (type === undefined || type === "UNKNOWN") return "Executor's type must be set; use DEFAULT";
  if (type === "CUSTOM") {
    return "Executor: custom executors are not served by this version; use the type DEFAULT";
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
