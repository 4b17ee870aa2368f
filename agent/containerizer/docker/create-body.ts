/** What the Engine is asked to create: a container's spec in the words of its API. */
import { join } from "node:path";
import type {
  ContainerCommand,
  ContainerSpec,
  GpuDevice,
  ResourceLimits,
} from "../containerizer.ts";
import { type Json, objectOf } from "./engine.ts";
import { DOCKER_SANDBOX, type DockerNetwork, type DockerSpec, type DockerVolume } from "./spec.ts";

/** Names a container to people, and keeps two of one id from being. As in Mesos. */
export const NAME_PREFIX = "mesos-";
/** Which container of the agent's books this is. */
export const CONTAINER_LABEL = "org.rimrock.container";
/** Whose it is: the identity of one work directory. */
export const OWNER_LABEL = "org.rimrock.agent";

/** Below these the Engine refuses. */
const CPU_SHARES_MIN = 2;
const CPU_PERIOD_US = 100_000;
const CPU_QUOTA_MIN_US = 1_000;
const MEMORY_BYTES_MIN = 6 * 1_048_576;
/**
 * What the Engine keeps of a container's output until it is in the sandbox: an agent that is away
 * for longer than that loses the oldest. The driver keeps bytes as they are, which JSON does not.
 */
const LOG_CONFIG = { Type: "local", Config: { "max-size": "64m", "max-file": "5" } };

/** `gpus`: those that it was given. */
export function createBody(
  spec: ContainerSpec,
  docker: DockerSpec,
  { owner, gpus }: { readonly owner: string; readonly gpus: readonly GpuDevice[] },
): Json {
  const { config, hostConfig, endpoint } = docker.overrides;
  const { network } = docker;
  return {
    ...argvOf(spec.command),
    Image: docker.image,
    ...(docker.hostname !== undefined && { Hostname: docker.hostname }),
    ...config,
    Env: [...environmentOf(spec), ...textsOf(config.Env)],
    ExposedPorts: { ...objectOf(config.ExposedPorts), ...exposed(docker) },
    Labels: {
      ...docker.labels,
      ...objectOf(config.Labels),
      [CONTAINER_LABEL]: spec.containerId,
      [OWNER_LABEL]: owner,
    },
    // Nobody has to be at the other end of a pipe for the container to run.
    ...{ AttachStdin: false, OpenStdin: false, Tty: false },
    HostConfig: { ...hostConfigOf(spec, docker, hostConfig), ...gpuRequest(gpus) },
    ...(network.mode === "user" && {
      NetworkingConfig: { EndpointsConfig: { [network.name]: endpoint } },
    }),
  };
}

/** A whole number that JSON has exactly. */
const OUT_OF_REACH = 2 ** 53;

/** What an update says; one cannot take a bound of memory away, only put it out of reach. */
export function updateBody(limits: ResourceLimits): Json {
  const unbound = { CpuPeriod: CPU_PERIOD_US, CpuQuota: -1, PidsLimit: -1, MemoryReservation: 0 };
  const bounds = { ...unbound, ...boundsOf(limits) };
  return "Memory" in bounds
    ? bounds
    : { ...bounds, Memory: OUT_OF_REACH, MemorySwap: OUT_OF_REACH };
}

/** The members of HostConfig that bound a container; an absent one is no bound. */
function boundsOf(limits: ResourceLimits): Json {
  const { cpusRequest, cpusLimit, memoryLimitBytes, memoryRequestBytes, pidsLimit } = limits;
  const memory = memoryLimitBytes && Math.max(memoryLimitBytes, MEMORY_BYTES_MIN);
  const quota = cpusLimit && Math.round((cpusLimit * CPU_PERIOD_US) / 1_000);
  const reservation = memoryRequestBytes && Math.max(memoryRequestBytes, MEMORY_BYTES_MIN);
  return {
    CpuShares: Math.max(Math.round((cpusRequest * 1_024) / 1_000), CPU_SHARES_MIN),
    ...(quota && { CpuPeriod: CPU_PERIOD_US, CpuQuota: Math.max(quota, CPU_QUOTA_MIN_US) }),
    // The sum with swap is the same: none is used.
    ...(memory && { Memory: memory, MemorySwap: memory }),
    ...(reservation && { MemoryReservation: reservation }),
    ...(pidsLimit && { PidsLimit: pidsLimit }),
  };
}

function hostConfigOf(spec: ContainerSpec, docker: DockerSpec, overrides: Json): Json {
  const binds = docker.volumes.map((volume) => bindOf(volume, spec.sandboxDirectory));
  const named = docker.volumes.flatMap((volume) => mountOf(volume));
  const log = objectOf(overrides.LogConfig);
  return {
    ...boundsOf(spec.limits),
    ...overrides,
    NetworkMode: networkMode(docker.network),
    PortBindings: bindings(docker),
    Binds: [...binds.flatMap((bind) => bind ?? []), ...textsOf(overrides.Binds)],
    Mounts: [
      { Type: "bind", Source: spec.sandboxDirectory, Target: DOCKER_SANDBOX },
      ...named,
      ...ownMounts(spec),
    ],
    // A task's own driver has its own options.
    LogConfig: log.Type === undefined ? mergedLog(log) : { Config: {}, ...log },
    Privileged: docker.privileged,
    // Its end is the framework's to judge, and its remains are needed until that is told.
    ...{ RestartPolicy: { Name: "no" }, AutoRemove: false },
  };
}

function mergedLog(log: Json): Json {
  return { ...LOG_CONFIG, Config: { ...LOG_CONFIG.Config, ...objectOf(log.Config) } };
}

function argvOf(command: ContainerCommand): Json {
  if (command.shell) return { Entrypoint: ["/bin/sh"], Cmd: ["-c", command.value] };
  const argv = [...(command.value === "" ? [] : [command.value]), ...command.arguments];
  // Without any the image's own are meant.
  return argv.length === 0 ? {} : { Cmd: argv };
}

function environmentOf({ environment, containerId }: ContainerSpec): readonly string[] {
  const all = {
    ...environment,
    MESOS_SANDBOX: DOCKER_SANDBOX,
    MESOS_CONTAINER_NAME: `${NAME_PREFIX}${containerId}`,
    RIMROCK_CONTAINER_ID: containerId,
  };
  return Object.entries(all).map(([name, value]) => `${name}=${value}`);
}

function networkMode(network: DockerNetwork): string {
  return network.mode === "user" ? network.name : network.mode;
}

function exposed({ portMappings }: DockerSpec): Json {
  return Object.fromEntries(
    portMappings.map(({ containerPort, protocol }) => [`${containerPort}/${protocol}`, {}]),
  );
}

function bindings({ portMappings }: DockerSpec): Json {
  const ports: Record<string, { HostPort: string }[]> = {};
  for (const { hostPort, containerPort, protocol } of portMappings) {
    const key = `${containerPort}/${protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostPort: String(hostPort) }];
  }
  return ports;
}

/** Persistent volumes: links in the sandbox lead to their own paths, or they are where they say. */
function ownMounts({ agentFolders = [], volumes = [] }: ContainerSpec): readonly Json[] {
  const mount = (source: string, target: string, readOnly: boolean): Json => ({
    ...{ Type: "bind", Source: source, Target: target, ReadOnly: readOnly },
  });
  return [
    ...agentFolders.map(({ path, readOnly }) => mount(path, path, readOnly)),
    ...volumes.map(({ source, containerPath, readOnly }) =>
      mount(source.path, containerPath, readOnly),
    ),
  ];
}

/** By name: a mere number of them would be the same ones for every container. */
function gpuRequest(gpus: readonly GpuDevice[]): Json {
  if (gpus.length === 0) return {};
  const ids = gpus.map(({ minor, uuid }) => uuid ?? String(minor));
  return { DeviceRequests: [{ Driver: "nvidia", DeviceIDs: ids, Capabilities: [["gpu"]] }] };
}

/** As `docker run --volume` has it: what is missing of a host's path is made. */
function bindOf(volume: DockerVolume, sandbox: string): string | undefined {
  const { source, containerPath, readOnly } = volume;
  if (source.type === "NAMED") return undefined;
  const path = source.type === "HOST" ? source.path : join(sandbox, source.path);
  return `${path}:${containerPath}:${readOnly ? "ro" : "rw"}`;
}

function mountOf({ source, containerPath, readOnly }: DockerVolume): readonly Json[] {
  if (source.type !== "NAMED") return [];
  const { name, driver, options } = source;
  const config = {
    DriverConfig: { ...(driver !== undefined && { Name: driver }), Options: options },
  };
  return [
    {
      Type: "volume",
      Source: name,
      Target: containerPath,
      ReadOnly: readOnly,
      VolumeOptions: config,
    },
  ];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
