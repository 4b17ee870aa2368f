/** What a client asks a container to be, checked: what the agent does not do is refused by name. */
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerCommand, TerminalSize } from "../../containerizer/containerizer.ts";
import { commandEnvironment, secretText } from "../../core/command-environment.ts";
import { containerCommand } from "../../core/container-spec.ts";
import type { DockerSource } from "../../core/docker-spec.ts";
import {
  type ContainerPlace,
  type MesosContainerParts,
  mesosContainerObstacle,
  mesosContainerParts,
} from "../../core/mesos-container.ts";
import { imageObstacle } from "../../core/mesos-image.ts";
import { terminalSize } from "../../core/terminal.ts";

export interface ContainerRequest {
  readonly command: ContainerCommand;
  /** Beside what comes from around the container. */
  readonly environment: Readonly<Record<string, string>>;
  readonly uris: readonly mesos.CommandInfoURI[];
  readonly user: string | undefined;
  readonly terminal: TerminalSize | undefined;
  readonly parts: MesosContainerParts;
  /** What its image is found by, and its command, as the client wrote them; undefined: none. */
  readonly imaged: DockerSource | undefined;
  readonly resources: readonly mesos.Resource[];
  readonly limits: Readonly<Record<string, mesos.ValueScalar>> | undefined;
  /** In another one: it asks for resources beside that one's, instead of a part of them. */
  readonly ownsLimits: boolean;
}

/** The error is a sentence without its full stop. */
export function readRequest(
  call: {
    readonly command?: mesos.CommandInfo;
    readonly container?: mesos.ContainerInfo;
    readonly resources?: readonly mesos.Resource[];
    readonly limits?: Readonly<Record<string, mesos.ValueScalar>>;
  },
  place: ContainerPlace,
): Result<ContainerRequest, string> {
  const { command, container, resources = [], limits } = call;
  const hasImage = container?.mesos?.image !== undefined;
  if (command?.value === undefined && !hasImage) {
    return err("'command.value' is missing; say what to run");
  }
  const obstacle = commandObstacle(command) ?? (container && containerObstacle(container, place));
  if (obstacle !== undefined) return err(obstacle);
  const terminal = container?.tty_info && terminalSize(container.tty_info);
  if (terminal !== undefined && !terminal.ok) return terminal;
  return ok({
    command: containerCommand(command ?? {}),
    environment: commandEnvironment(command),
    uris: command?.uris ?? [],
    user: command?.user || undefined,
    terminal: terminal?.value,
    parts: mesosContainerParts(container),
    imaged: hasImage ? { container, command, resources } : undefined,
    resources,
    limits,
    ownsLimits: container?.linux_info?.share_cgroups === false,
  });
}

function commandObstacle(command: mesos.CommandInfo | undefined): string | undefined {
  const secret = command?.environment?.variables?.find(
    (variable) => variable.type === "SECRET" && secretText(variable) === undefined,
  );
  if (secret === undefined) return undefined;
  return `the secret of '${secret.name}' is no text of type VALUE; this agent resolves no others`;
}

function containerObstacle(
  container: mesos.ContainerInfo,
  place: ContainerPlace,
): string | undefined {
  const { type, mesos: own, docker, network_infos = [] } = container;
  if (type !== "MESOS") {
    return `'container.type' is ${type}; containers that clients launch are of the type MESOS`;
  }
  if (docker !== undefined) return "'container.docker' is for the type DOCKER; leave it out";
  const image = own?.image && imageObstacle(own.image);
  if (image !== undefined) return image;
  if (network_infos.length > 0) {
    return "such containers have the network of the machine; leave 'container.network_infos' out";
  }
  return mesosContainerObstacle(container, place);
}

/** What one that lives beside the processes of another shares with it, as the API names it. */
const SHARED: { readonly [P in keyof MesosContainerParts]: string } = {
  hostname: "container.hostname",
  volumes: "container.volumes",
  sharedMemory: "container.linux_info.ipc_mode",
  sharesProcesses: "container.linux_info.share_pid_namespace",
};

/** Why it cannot be launched beside the processes of another one; undefined: it can. */
export function obstacleBeside(request: ContainerRequest): string | undefined {
  const shares = "it shares the limits, mounts and namespaces of the container that it is in";
  const { parts, imaged, resources, limits, ownsLimits } = request;
  if (imaged !== undefined) return `${shares}, and its files; leave 'container.mesos.image' out`;
  const own = Object.entries(SHARED).find(([part]) => Object.hasOwn(parts, part));
  if (own !== undefined) return `${shares}; leave '${own[1]}' out`;
  if (resources.length > 0) return `${shares}; leave 'resources' out`;
  if (limits !== undefined && Object.keys(limits).length > 0) {
    return `${shares}; leave 'limits' out`;
  }
  if (ownsLimits) return `${shares}; leave 'container.linux_info.share_cgroups' out`;
  return undefined;
}
