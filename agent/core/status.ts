/**
 * Makes the TaskStatus of each thing that happens to a task. Sources, reasons: http-semantics 6.2,
 * 6.4, 17.2.
 */
import type { FrameworkId } from "../../worker/protocol/ids.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import {
  type ContainerTermination,
  describeTermination,
  type LimitReason,
} from "../containerizer/containerizer.ts";
import { isDockerTask } from "./docker-spec.ts";
import type { ExecutorRow, KillCause, RunRow } from "./rows.ts";
import { signalWords } from "./signals.ts";
import type { AgentState } from "./state.ts";
import { decodeStored } from "./stored.ts";

/** What differs between statuses; ids, time and uuid are filled in when the update is made. */
export type StatusFacts = Pick<
  mesos.TaskStatus,
  | "state"
  | "source"
  | "reason"
  | "message"
  | "limitation"
  | "container_status"
  | "healthy"
  | "check_status"
  | "data"
  | "labels"
>;

/** The end of a run on an agent that drains is the drain's doing, and so it says. */
export function whileDraining<T extends StatusFacts>(state: AgentState, run: RunRow, facts: T): T {
  const drain = state.drain.get("drain");
  const killed = facts.state === "TASK_KILLED";
  if (drain === undefined || !(killed || facts.state === "TASK_KILLING")) return facts;
  const knowing = hasCapability(state, run.frameworkId, "PARTITION_AWARE");
  const gone = killed && drain.marksGone && knowing;
  const taskState = gone ? "TASK_GONE_BY_OPERATOR" : facts.state;
  return { ...facts, state: taskState, reason: "REASON_AGENT_DRAINING" };
}

export function hasCapability(
  state: AgentState,
  frameworkId: FrameworkId,
  capability: mesos.FrameworkInfoCapabilityType,
): boolean {
  return state.framework.get(frameworkId)?.capabilities.includes(capability) === true;
}

const PARENT_ENDED =
  "The agent ended together with the process that started it, and its tasks with it. " +
  "Launch the task again; an agent started by hand keeps its tasks.";
const AGENT_SHUTDOWN = "This agent was shut down, so its tasks were killed.";

/** DROPPED and GONE are known to partition-aware frameworks only; the others are told LOST. */
export function lostState(
  state: AgentState,
  frameworkId: FrameworkId,
  precise: "TASK_DROPPED" | "TASK_GONE",
): mesos.TaskState {
  return hasCapability(state, frameworkId, "PARTITION_AWARE") ? precise : "TASK_LOST";
}

/**
 * A group's executor says STARTING before it makes the containers, so of its first task Mesos knows
 * no more than the container's name then; by the second one the first container is on its way.
 */
export function startingStatus(state: AgentState, run: RunRow): StatusFacts {
  const status = aliveStatus(state, run, "TASK_STARTING");
  if (run.parentId === undefined) return status;
  for (const { parentId, runNumber, seq } of state.run.values()) {
    if (parentId === run.parentId && runNumber === run.runNumber && seq < run.seq) return status;
  }
  return { ...status, ...container(state, run) };
}

/** Said by the executor, which the agent is itself. */
export function aliveStatus(
  state: AgentState,
  run: RunRow,
  taskState: "TASK_STARTING" | "TASK_RUNNING" | "TASK_KILLING",
): StatusFacts {
  return {
    state: taskState,
    source: "SOURCE_EXECUTOR",
    container_status: containerStatus(state, run),
    ...(run.healthy !== undefined && { healthy: run.healthy }),
    ...checkStatus(run),
  };
}

/** `data`: what a Docker container's `docker inspect` says, which frameworks read as of old. */
export function runningStatus(
  state: AgentState,
  run: RunRow,
  data: Uint8Array | undefined,
): StatusFacts {
  const status = aliveStatus(state, run, "TASK_RUNNING");
  const [value] = run.ipAddresses ?? [];
  return {
    ...status,
    ...(data !== undefined && { data }),
    ...(value !== undefined && {
      labels: { labels: [{ key: "Docker.NetworkSettings.IPAddress", value }] },
    }),
  };
}

/** A task with a check always tells how it stands. */
function checkStatus({ checkStatus }: RunRow): Pick<StatusFacts, "check_status"> {
  if (checkStatus === undefined) return {};
  return { check_status: decodeStored("mesos.v1.CheckStatusInfo", checkStatus) };
}

/** `cause`: why the container was being killed; undefined = it ended by itself. */
export function endStatus(
  state: AgentState,
  run: RunRow,
  termination: ContainerTermination,
  cause: KillCause | undefined,
): StatusFacts {
  const status = { ...container(state, run), ...checkStatus(run) };
  switch (termination.kind) {
    case "EXITED":
    case "SIGNALED": {
      const message = commandMessage(run, termination);
      if (cause !== undefined) return { ...killedStatus(cause, message), ...status };
      const finished = termination.kind === "EXITED" && termination.code === 0;
      const taskState = finished ? "TASK_FINISHED" : "TASK_FAILED";
      return { state: taskState, message, source: "SOURCE_EXECUTOR", ...status };
    }
    // The limit is what ended it even when a kill was under way: the framework may have to ask for
    // more.
    case "LIMITED":
      return {
        state: "TASK_FAILED",
        message: termination.message,
        source: "SOURCE_AGENT",
        reason: LIMIT_REASONS[termination.reason],
        limitation: limitation(run, LIMITED_RESOURCES[termination.reason]),
        ...status,
      };
    case "NOT_STARTED":
      return launchFailedStatus(termination.message);
    // The container is gone and its exit code with it: 6.4 has FAILED for an executor that died
    // with its task.
    case "LOST":
      if (cause !== undefined) return { ...killedStatus(cause, termination.message), ...status };
      return {
        state: "TASK_FAILED",
        message: termination.message,
        source: "SOURCE_AGENT",
        reason: "REASON_EXECUTOR_TERMINATED",
        ...status,
      };
    default:
      return unreachable(termination);
  }
}

export function launchFailedStatus(why: string): StatusFacts {
  return {
    state: "TASK_FAILED",
    message: `Failed to launch container: ${why}`,
    source: "SOURCE_AGENT",
    reason: "REASON_CONTAINER_LAUNCH_FAILED",
  };
}

/** The container was destroyed before RUNNING was reported. */
export function cancelledStatus(cause: KillCause): StatusFacts {
  if (cause !== "KILLED") return killedStatus(cause, "");
  return {
    state: "TASK_KILLED",
    message: "The task was killed while its container was being launched",
    source: "SOURCE_AGENT",
    reason: "REASON_TASK_KILLED_DURING_LAUNCH",
  };
}

/** A run whose custom executor ended before it had said how the run did. */
export function executorEndStatus(
  state: AgentState,
  run: RunRow,
  { process }: ExecutorRow,
  termination: ContainerTermination,
): StatusFacts {
  const status = container(state, run);
  const cause = process !== undefined && "cause" in process ? process.cause : undefined;
  const agent = { source: "SOURCE_AGENT", ...status } as const;
  const { registrationMs } = state.facts.executorTimes;
  switch (cause) {
    case "REGISTRATION_TIMEOUT":
      return {
        ...agent,
        state: "TASK_FAILED",
        reason: "REASON_EXECUTOR_REGISTRATION_TIMEOUT",
        message: `Executor did not subscribe within ${registrationMs / 1_000} s`,
      };
    case "REREGISTRATION_TIMEOUT":
      return {
        ...agent,
        state: lostState(state, run.frameworkId, "TASK_GONE"),
        reason: "REASON_EXECUTOR_REREGISTRATION_TIMEOUT",
        message: "Executor did not subscribe again after the agent's restart",
      };
    case "AGENT_SHUTDOWN":
      return { ...agentEnded(AGENT_SHUTDOWN), ...status };
    case "PARENT_ENDED":
      return { ...agentEnded(PARENT_ENDED), ...status };
    case "ASKED":
    case "FRAMEWORK_SHUTDOWN":
    case undefined:
      break;
    default:
      return unreachable(cause);
  }
  if (termination.kind === "LIMITED" || termination.kind === "NOT_STARTED") {
    return endStatus(state, run, termination, undefined);
  }
  const message = `Executor terminated: ${describeTermination(termination)}`;
  const reason = "REASON_EXECUTOR_TERMINATED";
  return { ...agent, state: "TASK_FAILED", reason, message };
}

/** The process `how` ended ("Command exited with …"), because it was killed for `cause`. */
function killedStatus(cause: KillCause, how: string): StatusFacts {
  switch (cause) {
    case "KILLED":
    case "FRAMEWORK_SHUTDOWN":
      return { state: "TASK_KILLED", message: how, source: "SOURCE_EXECUTOR" };
    case "UNHEALTHY":
      return { state: "TASK_KILLED", message: how, source: "SOURCE_EXECUTOR", healthy: false };
    case "MAX_COMPLETION_TIME":
      return {
        state: "TASK_FAILED",
        message: how,
        source: "SOURCE_EXECUTOR",
        reason: "REASON_MAX_COMPLETION_TIME_REACHED",
      };
    case "AGENT_SHUTDOWN":
      return agentEnded(AGENT_SHUTDOWN);
    case "PARENT_ENDED":
      return agentEnded(PARENT_ENDED);
    default:
      return unreachable(cause);
  }
}

function agentEnded(message: string): StatusFacts {
  return {
    state: "TASK_FAILED",
    message,
    source: "SOURCE_AGENT",
    reason: "REASON_EXECUTOR_TERMINATED",
  };
}

function commandMessage(
  run: RunRow,
  termination: ContainerTermination & { readonly kind: "EXITED" | "SIGNALED" },
): string {
  if (termination.kind === "EXITED") {
    return `${isDockerTask(run) ? "Container" : "Command"} exited with status ${termination.code}`;
  }
  const dumped = (termination.waitStatus & 0x80) !== 0 ? " (core dumped)" : "";
  return `Command terminated with signal ${signalWords(termination.signal)}${dumped}`;
}

/** A status of a custom executor's, with what only the agent knows. */
export function entrustedStatus(
  state: AgentState,
  run: RunRow,
  status: mesos.TaskStatus,
): mesos.TaskStatus {
  const known = containerStatus(state, run);
  const { container_id } = known;
  return { ...status, container_status: { ...known, ...status.container_status, container_id } };
}

/** A group's executor tells an end when the container is gone, and with it all but its name. */
function container(state: AgentState, run: RunRow): Pick<StatusFacts, "container_status"> {
  const isNested = run.parentId !== undefined && run.entrustedBy === undefined;
  if (isNested) return { container_status: { container_id: containerId(run) } };
  return { container_status: containerStatus(state, run) };
}

function containerStatus(state: AgentState, run: RunRow): mesos.ContainerStatus {
  const pid = pidOf(state, run);
  return {
    container_id: containerId(run),
    network_infos: [networkInfo(state, run)],
    ...(pid === undefined ? {} : { executor_pid: pid }),
  };
}

/** A container with addresses of its own is on the network that its task named, if it named one. */
function networkInfo(state: AgentState, { ipAddresses, info }: RunRow): mesos.NetworkInfo {
  if (ipAddresses === undefined) {
    return { ip_addresses: [{ protocol: "IPv4", ip_address: state.facts.ip }] };
  }
  const [named] = decodeStored("mesos.v1.TaskInfo", info).container?.network_infos ?? [];
  const addresses = ipAddresses.map((address): mesos.NetworkInfoIPAddress => {
    return { protocol: address.includes(":") ? "IPv6" : "IPv4", ip_address: address };
  });
  return { ...named, ip_addresses: addresses };
}

function pidOf(state: AgentState, { pid, parentId, entrustedBy }: RunRow): number | undefined {
  if (parentId === undefined || entrustedBy === undefined) return pid;
  return state.executor.get(parentId)?.pid;
}

/** A custom executor's tasks are in its own container. */
function containerId(run: RunRow): mesos.ContainerID {
  const { containerId: value, parentId, entrustedBy } = run;
  if (parentId !== undefined && entrustedBy !== undefined) return { value: parentId };
  return parentId === undefined ? { value } : { value, parent: { value: parentId } };
}

const LIMIT_REASONS = {
  MEMORY: "REASON_CONTAINER_LIMITATION_MEMORY",
  DISK: "REASON_CONTAINER_LIMITATION_DISK",
} as const satisfies { readonly [K in LimitReason]: mesos.TaskStatusReason };

const LIMITED_RESOURCES = {
  MEMORY: "mem",
  DISK: "disk",
} as const satisfies { readonly [K in LimitReason]: string };

/** What the task may use of `name`: its limit, else what it asked for. A volume has a size of its
 * own. */
function limitation(run: RunRow, name: "mem" | "disk"): mesos.TaskResourceLimitation {
  const task = decodeStored("mesos.v1.TaskInfo", run.info);
  const limit = task.limits?.[name]?.value;
  let asked = 0;
  for (const resource of task.resources ?? []) {
    if (resource.name === name && resource.disk === undefined) asked += resource.scalar?.value ?? 0;
  }
  return {
    resources: [{ name, type: "SCALAR", scalar: { value: limit ?? asked }, role: "*" }],
  };
}
