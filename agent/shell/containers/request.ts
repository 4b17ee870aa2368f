/** What a client asks a container to be, checked: what the agent does not do is refused by name. */
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerCommand, TerminalSize } from "../../containerizer/containerizer.ts";
import { containerCommand } from "../../core/container-spec.ts";
import { terminalSize } from "../../core/terminal.ts";

export interface ContainerRequest {
  readonly command: ContainerCommand;
  /** Beside what comes from around the container. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  readonly terminal: TerminalSize | undefined;
  readonly resources: readonly mesos.Resource[];
  readonly limits: Readonly<Record<string, mesos.ValueScalar>> | undefined;
}

/** The error is a sentence without its full stop. */
export function readRequest(call: {
  readonly command?: mesos.CommandInfo;
  readonly container?: mesos.ContainerInfo;
  readonly resources?: readonly mesos.Resource[];
  readonly limits?: Readonly<Record<string, mesos.ValueScalar>>;
}): Result<ContainerRequest, string> {
  const { command, container, resources = [], limits } = call;
  if (command?.value === undefined) return err("'command.value' is missing; say what to run");
  const obstacle = commandObstacle(command) ?? (container && containerObstacle(container));
  if (obstacle !== undefined) return err(obstacle);
  const environment: Record<string, string> = {};
  for (const { name, value } of command.environment?.variables ?? []) {
    environment[name] = value ?? "";
  }
  const terminal = container?.tty_info && terminalSize(container.tty_info);
  if (terminal !== undefined && !terminal.ok) return terminal;
  return ok({
    command: containerCommand(command),
    environment,
    user: command.user || undefined,
    terminal: terminal?.value,
    resources,
    limits,
  });
}

function commandObstacle({ uris, environment }: mesos.CommandInfo): string | undefined {
  if ((uris ?? []).length > 0) {
    return "this agent fetches nothing for such containers; leave 'command.uris' out";
  }
  const secret = environment?.variables?.find(({ type }) => type === "SECRET");
  if (secret === undefined) return undefined;
  return `the variable '${secret.name}' is a secret; such containers take plain values only`;
}

/** What may stand in a client's ContainerInfo. */
const SERVED: readonly string[] = ["type", "tty_info"];

function containerObstacle(container: mesos.ContainerInfo): string | undefined {
  if (container.type !== "MESOS") {
    return `'container.type' is ${container.type}; containers in containers are of the type MESOS`;
  }
  for (const [name, value] of Object.entries(container)) {
    const isGiven = value !== undefined && !(Array.isArray(value) && value.length === 0);
    if (isGiven && !SERVED.includes(name)) {
      return `this agent does not apply 'container.${name}' to such containers; leave it out`;
    }
  }
  return undefined;
}
