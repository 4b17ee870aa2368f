/**
 * What a task with a container of type DOCKER becomes. The rules, and the order in which they are
 * looked at, are those of Mesos' Docker containerizer (`src/docker/docker.cpp`, RunOptions).
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { ContainerCommand } from "../containerizer/containerizer.ts";
import {
  DOCKER_SANDBOX,
  type DockerNetwork,
  type DockerPortMapping,
  type DockerSpec,
  type DockerVolume,
} from "../containerizer/docker/spec.ts";
import { amountOf } from "./amount.ts";
import { readParameters } from "./docker-parameters.ts";
import { decodeStored } from "./stored.ts";

/** The parts of a container's spec that are Docker's own. */
export interface DockerPart {
  readonly command: ContainerCommand;
  readonly docker: DockerSpec;
}

/** `info`: TaskInfo as wire JSON. */
export function isDockerTask({ info }: { readonly info: string }): boolean {
  // Most tasks are told apart by their text, without being decoded.
  if (!info.includes("DOCKER")) return false;
  return decodeStored("mesos.v1.TaskInfo", info).container?.type === "DOCKER";
}

/** What `docker stop` would wait, if its task says it; undefined: it does not. */
export function stopTimeoutMs(container: mesos.ContainerInfo | undefined): number | undefined {
  const parameters = container?.docker?.parameters ?? [];
  const value = parameters.find(({ key }) => key === "stop-timeout")?.value ?? "";
  return /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : undefined;
}

/** The parts of a task, or of a custom executor, that its container is made of. */
export type DockerSource = Pick<mesos.TaskInfo, "container" | "command" | "resources">;

/** What of the environment a container brings along itself. */
export function dockerEnvironment(
  environment: Readonly<Record<string, string>>,
  { command }: DockerSource,
): Readonly<Record<string, string>> {
  const isNamed = command?.environment?.variables?.some(({ name }) => name === "PATH") === true;
  if (isNamed) return environment;
  const { PATH: _, ...rest } = environment;
  return rest;
}

/**
 * With a shell the image's entrypoint gives way to `/bin/sh -c`; without one it gets the value, if
 * there is one, and the arguments.
 */
export function dockerCommand(command: mesos.CommandInfo | undefined): ContainerCommand {
  const value = command?.value ?? "";
  // Mesos has `shell` be true where nobody says: a command without a value is the image's own then.
  if (command?.shell !== false && value !== "") return { shell: true, value };
  return { shell: false, value, arguments: command?.arguments ?? [] };
}

/** The error is a clause that says what the task has to change. */
export function dockerPart(task: DockerSource): Result<DockerPart, string> {
  const { container } = task;
  const docker = container?.docker;
  if (container?.type !== "DOCKER" || docker === undefined) {
    return err("a container of type DOCKER needs `docker`");
  }
  const absent = unsupported(container);
  if (absent !== undefined) return err(absent);
  const network = networkOf(container);
  if (!network.ok) return network;
  const { hostname } = container;
  if (hostname !== undefined && network.value.mode === "host") {
    return err("a container on the network HOST has the machine's `hostname`; leave it out");
  }
  const portMappings = portMappingsOf(task, network.value);
  if (!portMappings.ok) return portMappings;
  const volumes = volumesOf(container);
  if (!volumes.ok) return volumes;
  const gpus = amountOf(task.resources, "gpus");
  if (!Number.isInteger(gpus)) return err("a Docker container gets whole `gpus`");
  const read = readParameters(docker.parameters ?? []);
  if (!read.ok) return read;
  const isAddressed = Object.keys(read.value.overrides.endpoint).length > 0;
  if (isAddressed && network.value.mode !== "user") {
    return err("the Docker parameters 'ip', 'ip6' and 'network-alias' need the network USER");
  }
  const privileged = docker.privileged === true;
  const spec: DockerSpec = {
    image: docker.image,
    forcePull: docker.force_pull_image === true,
    network: network.value,
    ...(hostname !== undefined && { hostname }),
    portMappings: portMappings.value,
    volumes: volumes.value,
    gpus,
    privileged,
    privileges: [...(privileged ? ["`privileged`"] : []), ...read.value.privileges],
    labels: {},
    overrides: read.value.overrides,
  };
  return ok({ command: dockerCommand(task.command), docker: spec });
}

/** What a container of the other containerizer may have. */
function unsupported(container: mesos.ContainerInfo): string | undefined {
  const none = "a Docker container has no";
  if (container.mesos !== undefined) return `${none} \`mesos\`; leave it out`;
  if (container.linux_info !== undefined) {
    return `${none} \`linux_info\`; use Docker parameters like 'cap-drop'`;
  }
  if (container.rlimit_info !== undefined) {
    return `${none} \`rlimit_info\`; use the Docker parameter 'ulimit'`;
  }
  if (container.tty_info !== undefined) {
    return "a Docker task has no terminal; leave `tty_info` out";
  }
  return undefined;
}

function networkOf(container: mesos.ContainerInfo): Result<DockerNetwork, string> {
  const infos = container.network_infos ?? [];
  if (infos.length > 1) return err("a Docker container is on one network; name one");
  const mode = container.docker?.network ?? "HOST";
  switch (mode) {
    case "HOST":
      return ok({ mode: "host" });
    case "BRIDGE":
      return ok({ mode: "bridge" });
    case "NONE":
      return ok({ mode: "none" });
    case "USER": {
      const name = infos[0]?.name;
      if (name !== undefined && /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
        return ok({ mode: "user", name });
      }
      return err("the network USER needs the Docker network's `name` in `network_infos`");
    }
    default:
      return err(`there is no Docker network ${String(mode)}`);
  }
}

const PORT_MAX = 65_535;

function portMappingsOf(
  task: DockerSource,
  network: DockerNetwork,
): Result<readonly DockerPortMapping[], string> {
  const mappings = task.container?.docker?.port_mappings ?? [];
  if (mappings.length === 0) return ok([]);
  if (network.mode === "host" || network.mode === "none") {
    return err("`port_mappings` need the network BRIDGE or USER");
  }
  const ranges = (task.resources ?? []).flatMap((resource) =>
    resource.name === "ports" ? (resource.ranges?.range ?? []) : [],
  );
  const read: DockerPortMapping[] = [];
  for (const { host_port: hostPort, container_port: containerPort, protocol } of mappings) {
    const isOwn = ranges.some(
      ({ begin, end }) => hostPort >= Number(begin) && hostPort <= Number(end),
    );
    if (!isOwn) return err(`the host port ${hostPort} is not among the task's \`ports\``);
    if (containerPort < 1 || containerPort > PORT_MAX) {
      return err(`the container port ${containerPort} is not between 1 and ${PORT_MAX}`);
    }
    const named = (protocol ?? "tcp").toLowerCase();
    if (!["tcp", "udp", "sctp"].includes(named)) {
      return err(`the protocol '${protocol}' of a port is none of tcp, udp and sctp`);
    }
    read.push({ hostPort, containerPort, protocol: named });
  }
  return ok(read);
}

function volumesOf(container: mesos.ContainerInfo): Result<readonly DockerVolume[], string> {
  const volumes: DockerVolume[] = [];
  const driver = container.docker?.volume_driver;
  for (const volume of container.volumes ?? []) {
    const path = volume.container_path;
    const source = sourceOf(volume, driver);
    if (!source.ok) return source;
    const bad = [path, pathOf(source.value)].find((each) => each !== undefined && !isPath(each));
    if (bad !== undefined) {
      return err(`the path '${bad}' of a volume is empty, or has a ':', a NUL or a '..' in it`);
    }
    const containerPath = path.startsWith("/") ? path : `${DOCKER_SANDBOX}/${path}`;
    volumes.push({ source: source.value, containerPath, readOnly: volume.mode === "RO" });
  }
  return ok(volumes);
}

function sourceOf(
  { host_path: hostPath, source, image }: mesos.Volume,
  volumeDriver: string | undefined,
): Result<DockerVolume["source"], string> {
  if (image !== undefined)
    return err("this agent mounts no volumes from images; leave `image` out");
  if (hostPath !== undefined) {
    // With a driver it is the volume's name.
    if (volumeDriver !== undefined && volumeDriver !== "") {
      return ok({ type: "NAMED", name: hostPath, driver: volumeDriver, options: {} });
    }
    const type = hostPath.startsWith("/") ? "HOST" : "SANDBOX";
    return ok({ type, path: hostPath });
  }
  if (source?.type === "HOST_PATH" && source.host_path !== undefined) {
    if (source.host_path.path.startsWith("/"))
      return ok({ type: "HOST", path: source.host_path.path });
    return err("a volume's `source.host_path` has to be absolute");
  }
  if (source?.type === "SANDBOX_PATH" && source.sandbox_path !== undefined) {
    if (source.sandbox_path.type !== "PARENT") {
      return ok({ type: "SANDBOX", path: source.sandbox_path.path });
    }
    return err("a Docker task has no parent sandbox; use SELF");
  }
  const named = source?.type === "DOCKER_VOLUME" ? source.docker_volume : undefined;
  if (named === undefined) {
    return err("a Docker container's volumes are of a `host_path` or a `docker_volume`");
  }
  const options = Object.fromEntries(
    (named.driver_options?.parameter ?? []).map(({ key, value }) => [key, value]),
  );
  const driver = named.driver !== undefined && { driver: named.driver };
  return ok({ type: "NAMED", name: named.name, ...driver, options });
}

function pathOf(source: DockerVolume["source"]): string | undefined {
  return source.type === "NAMED" ? undefined : source.path;
}

/** The Engine takes volumes as `host:container:mode`. */
function isPath(path: string): boolean {
  return path !== "" && !/[:\0]/.test(path) && !path.split("/").includes("..");
}
