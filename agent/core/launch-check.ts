/**
 * What this agent cannot do for a task. Refusing it by name is better than running the task without
 * what it asked for. Ids are checked as well: they become folders of the sandbox.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { secretText } from "./command-environment.ts";
import { type DockerSource, dockerPart } from "./docker-spec.ts";
import { type ContainerPlace, mesosContainerObstacle } from "./mesos-container.ts";
import { imageObstacle } from "./mesos-image.ts";
import { terminalSize } from "./terminal.ts";

/** Why the task with a command cannot be launched, as a sentence; undefined = it can. */
export function launchObstacle(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  place: ContainerPlace,
): string | undefined {
  const { command, check, health_check, container } = task;
  if (command?.value === undefined && !hasImage(container)) {
    return "the task's `command` has no `value`; say what to run";
  }
  return (
    idObstacle(framework, task) ??
    secretObstacle(command) ??
    secretObstacle(check?.command?.command) ??
    secretObstacle(health_check?.command) ??
    (container === undefined ? undefined : containerObstacle(task, container, place))
  );
}

/** The same of a task of a custom executor, which knows by itself what to do for it. */
export function entrustedObstacle(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  { isLate }: { readonly isLate: boolean },
): string | undefined {
  if (isLate) {
    return "its executor runs already and cannot get a persistent volume; give it one of its own";
  }
  return idObstacle(framework, task);
}

/** Why no task of this executor can be launched; undefined = one can. */
export function executorObstacle(executor: mesos.ExecutorInfo): string | undefined {
  const { executor_id, type, command, container, resources } = executor;
  const id = executor_id.value;
  if (!isFolderName(id)) return `the id '${id}' cannot be the name of a sandbox folder`;
  if (type !== "DEFAULT" && command?.value === undefined && !hasImage(container)) {
    return "the executor's `command` has no `value`; say what to run";
  }
  return (
    secretObstacle(command) ??
    (container === undefined
      ? undefined
      : containerObstacle({ command, container, resources }, container, { isNested: false }))
  );
}

function idObstacle(
  framework: mesos.FrameworkInfo,
  { task_id }: mesos.TaskInfo,
): string | undefined {
  const badId = [framework.id?.value ?? "", task_id.value].find((id) => !isFolderName(id));
  if (badId === undefined) return undefined;
  return `the id '${badId}' cannot be the name of a sandbox folder`;
}

/** Nobody here resolves references. */
function secretObstacle(command: mesos.CommandInfo | undefined): string | undefined {
  const found = command?.environment?.variables?.find(
    (variable) => variable.type === "SECRET" && secretText(variable) === undefined,
  );
  if (found === undefined) return undefined;
  return `the secret of '${found.name}' is no text of type VALUE; this agent resolves no others`;
}

function containerObstacle(
  source: DockerSource,
  container: mesos.ContainerInfo,
  place: ContainerPlace,
): string | undefined {
  if (container.type === "DOCKER") {
    if (place.isNested)
      return "a task of a group cannot have a container of type DOCKER; use MESOS";
    const part = dockerPart(source);
    return part.ok ? undefined : part.error;
  }
  const image = container.mesos?.image && imageObstacle(container.mesos.image);
  if (image !== undefined) return image;
  if ((container.network_infos ?? []).some((network) => network.name !== undefined)) {
    return "this agent joins no container networks yet; leave it out of the task's `container`";
  }
  const terminal = container.tty_info && terminalSize(container.tty_info);
  if (terminal !== undefined && !terminal.ok) return terminal.error;
  return mesosContainerObstacle(container, place);
}

/** Images have commands of their own. */
function hasImage(container: mesos.ContainerInfo | undefined): boolean {
  return container?.type === "DOCKER" || container?.mesos?.image !== undefined;
}

function isFolderName(id: string): boolean {
  return id !== "" && id !== "." && id !== ".." && !/[/\0]/.test(id);
}
