/**
 * What a task becomes: command, environment, limits. Sources: http-semantics 17.1, 17.2.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { assert } from "../../worker/std/assert.ts";
import type {
  ContainerCommand,
  ContainerGroup,
  ContainerId,
  ContainerSpec,
  ResourceLimits,
  VolumeMount,
} from "../containerizer/containerizer.ts";
import { amountOf } from "./amount.ts";
import { commandEnvironment } from "./command-environment.ts";
import { dockerEnvironment, dockerPart } from "./docker-spec.ts";
import { mesosContainerParts } from "./mesos-container.ts";
import { imageParts } from "./mesos-image.ts";
import { terminalSize } from "./terminal.ts";

/** Where the task runs, as far as its environment tells it. */
export interface SpecFacts {
  readonly containerId: ContainerId;
  readonly agentId: string;
  readonly ip: string;
  /** Advertised port of the agent. */
  readonly port: number;
  /** Absolute path of the run's sandbox. */
  readonly sandboxDirectory: string;
  /** Of a task of a group. */
  readonly executor?: mesos.ExecutorInfo;
  /** What a custom executor finds besides. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the operator gives to all who set none of these names. */
  readonly operatorEnvironment?: Readonly<Record<string, string>>;
  /** Account of tasks that name none; undefined = the agent's own. */
  readonly user: string | undefined;
  /** Of a task of a group: what it shares with the others. */
  readonly group?: ContainerGroup;
  /** Where the persistent volumes are that it can see; each at its own path. */
  readonly agentFolders?: ContainerSpec["agentFolders"];
  /** Persistent volumes that appear elsewhere. */
  readonly volumes?: readonly VolumeMount[];
}

/** The PATH of a container that sets none. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the containerizer's smallest hard cap allows, and Mesos' smallest cpu share: 0.01. */
const CPUS_MIN = 10;
const BYTES_PER_MEGABYTE = 1024 * 1024;
/** Less is no use to any program: Mesos, too, gives at least 32 MB. */
const MEMORY_BYTES_MIN = 32 * BYTES_PER_MEGABYTE;

/** `task` passed `launchObstacle`. */
export function containerSpec(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  facts: SpecFacts,
): ContainerSpec {
  // An empty name is the agent's own account, as in Mesos.
  const user = task.command?.user || facts.user || undefined;
  return {
    containerId: facts.containerId,
    command: containerCommand(task.command ?? {}),
    environment: taskEnvironment(framework, task, facts),
    ...(user === undefined ? {} : { user }),
    sandboxDirectory: facts.sandboxDirectory,
    limits: resourceLimits(task),
    ...(task.container?.type === "DOCKER"
      ? dockerParts(framework, task, facts)
      : mesosParts(framework, task, facts)),
  };
}

function dockerParts(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  facts: SpecFacts,
): Partial<ContainerSpec> {
  const { agentFolders = [], volumes = [] } = facts;
  const part = dockerPart(task);
  assert(part.ok, "the task passed `launchObstacle`");
  const environment = dockerEnvironment(taskEnvironment(framework, task, facts), task);
  return { ...part.value, environment, agentFolders, volumes };
}

/** What no Docker container has. */
function mesosParts(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  facts: SpecFacts,
): Partial<ContainerSpec> {
  const { group, agentFolders = [] } = facts;
  const parts = mesosContainerParts(task.container);
  const volumes = [...(facts.volumes ?? []), ...(parts.volumes ?? [])];
  const gpus = Math.ceil(amountOf(task.resources, "gpus"));
  const terminal = task.container?.tty_info && terminalSize(task.container.tty_info);
  return {
    ...(facts.executor?.container?.hostname !== undefined && {
      // One for all of a group, unless a task has its own.
      hostname: facts.executor.container.hostname,
    }),
    ...parts,
    ...(terminal?.ok && { terminal: terminal.value }),
    ...(group !== undefined && { group }),
    ...(agentFolders.length > 0 && { agentFolders }),
    ...(volumes.length > 0 && { volumes }),
    ...(gpus > 0 && { gpus }),
    ...imageParts(task, taskEnvironment(framework, task, facts)),
  };
}

/**
 * Later entries win: the operator's, the agent's, then `CommandInfo.environment`. The agent's own
 * environment is not inherited.
 */
export function taskEnvironment(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  facts: SpecFacts,
): Readonly<Record<string, string>> {
  const endpoint = `${facts.ip}:${facts.port}`;
  const environment: Record<string, string> = {
    PATH: DEFAULT_PATH,
    ...facts.operatorEnvironment,
    MESOS_FRAMEWORK_ID: framework.id?.value ?? "",
    MESOS_EXECUTOR_ID: facts.executor?.executor_id.value ?? task.task_id.value,
    MESOS_SLAVE_ID: facts.agentId,
    MESOS_SLAVE_PID: `slave(1)@${endpoint}`,
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_DIRECTORY: facts.sandboxDirectory,
    MESOS_SANDBOX: facts.sandboxDirectory,
    MESOS_CHECKPOINT: framework.checkpoint === true ? "1" : "0",
    MESOS_HTTP_COMMAND_EXECUTOR: "0",
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: "5secs",
    MESOS_ALLOCATION_ROLE: allocationRole(framework, task),
  };
  if (framework.checkpoint === true) {
    environment.MESOS_RECOVERY_TIMEOUT = "15mins";
    environment.MESOS_SUBSCRIPTION_BACKOFF_MAX = "2secs";
  }
  // The default executor tells its tasks their address.
  if (facts.executor !== undefined) environment.MESOS_CONTAINER_IP = facts.ip;
  return { ...environment, ...facts.environment, ...commandEnvironment(task.command) };
}

/**
 * `limits` of the task bound what it may use beyond its resources; without them memory is a hard
 * cap, cpu a share.
 */
export function resourceLimits(task: mesos.TaskInfo): ResourceLimits {
  const cpus = Math.round(1000 * amountOf(task.resources, "cpus"));
  const cpusLimit = task.limits?.cpus?.value;
  const request = amountOf(task.resources, "mem");
  const limit = task.limits?.mem?.value ?? request;
  const disk = diskBound(task);
  return {
    cpusRequest: Math.max(cpus, CPUS_MIN),
    ...(isBound(cpusLimit) && { cpusLimit: Math.max(Math.round(1000 * cpusLimit), CPUS_MIN) }),
    ...(cpusLimit === Number.POSITIVE_INFINITY && { isCpusUncapped: true }),
    ...(isBound(limit) ? { memoryLimitBytes: Math.max(bytes(limit), MEMORY_BYTES_MIN) } : {}),
    ...(isBound(request) && limit > request && { memoryRequestBytes: bytes(request) }),
    ...(isBound(disk) && { diskLimitBytes: bytes(disk) }),
  };
}

function bytes(megabytes: number): number {
  return Math.ceil(megabytes * BYTES_PER_MEGABYTE);
}

/** Of the sandbox: what is a volume's is not. */
function diskBound(task: mesos.TaskInfo): number {
  let sum = 0;
  for (const { name, disk, scalar: amount } of task.resources ?? []) {
    if (name === "disk" && disk === undefined) sum += amount?.value ?? 0;
  }
  return sum;
}

export function containerCommand(command: mesos.CommandInfo): ContainerCommand {
  const value = command.value ?? "";
  if (command.shell !== false) return { shell: true, value };
  return { shell: false, value, arguments: command.arguments ?? [value] };
}

function allocationRole(framework: mesos.FrameworkInfo, task: mesos.TaskInfo): string {
  for (const { allocation_info } of task.resources ?? []) {
    if (allocation_info?.role !== undefined) return allocation_info.role;
  }
  return framework.roles?.[0] ?? framework.role ?? "*";
}

/** 0 and infinity mean no bound. */
function isBound(value: number | undefined): value is number {
  return value !== undefined && value > 0 && Number.isFinite(value);
}
