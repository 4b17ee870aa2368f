/**
 * What this agent cannot do for a task. Refusing it by name is better than running the task without
 * what it asked for. Ids are checked as well: they become folders of the sandbox.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";

/** Why the task cannot be launched, as a sentence; undefined = it can. */
export function launchObstacle(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
): string | undefined {
  const ids = [framework.id?.value ?? "", task.task_id.value];
  const badId = ids.find((id) => !isFolderName(id));
  if (badId !== undefined) return `the id '${badId}' cannot be the name of a sandbox folder`;
  if (task.executor !== undefined) {
    return "this agent runs command tasks only; give the task a `command` instead of an `executor`";
  }
  if (task.command?.value === undefined)
    return "the task's `command` has no `value`; say what to run";
  if (task.health_check !== undefined || task.check !== undefined) {
    return "this agent runs no health checks or checks yet; leave `health_check` and `check` out";
  }
  if (
    task.command.environment?.variables?.some((variable) => variable.type === "SECRET") === true
  ) {
    return "this agent has no secrets; pass environment variables with a plain `value`";
  }
  return task.container === undefined ? undefined : containerObstacle(task.container);
}

/** Why no group of this executor can be launched; undefined = one can. */
export function executorObstacle(executor: mesos.ExecutorInfo): string | undefined {
  const id = executor.executor_id.value;
  if (!isFolderName(id)) return `the id '${id}' cannot be the name of a sandbox folder`;
  if (executor.type !== "DEFAULT") {
    return "this agent runs task groups of the built-in executor only; give it the type DEFAULT";
  }
  return executor.container === undefined ? undefined : containerObstacle(executor.container);
}

function containerObstacle(container: mesos.ContainerInfo): string | undefined {
  const rest = "leave it out of the task's `container`";
  if (container.type !== "MESOS")
    return `this agent has no ${container.type} containerizer yet; ${rest}`;
  if (container.mesos?.image !== undefined)
    return `this agent has no container images yet; ${rest}`;
  if ((container.volumes?.length ?? 0) > 0) return `this agent mounts no volumes yet; ${rest}`;
  if ((container.network_infos ?? []).some((network) => network.name !== undefined)) {
    return `this agent joins no container networks yet; ${rest}`;
  }
  if (container.linux_info !== undefined)
    return `this agent does not apply \`linux_info\` yet; ${rest}`;
  if (container.rlimit_info !== undefined)
    return `this agent does not apply \`rlimit_info\` yet; ${rest}`;
  if (container.tty_info !== undefined) return `this agent has no terminals yet; ${rest}`;
  return undefined;
}

function isFolderName(id: string): boolean {
  return id !== "" && id !== "." && id !== ".." && !/[/\0]/.test(id);
}
