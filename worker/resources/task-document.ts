/** A task as every document shows it, the master's and the agents'. */
import type * as mesos from "../protocol/v1/mesos.ts";
import {
  boolean,
  double,
  type JsonText,
  list,
  message,
  messages,
  object,
  string,
} from "../protocol/wire/json-document.ts";
import { resourceMessagesText } from "./document-text.ts";

export function taskText(task: mesos.Task): JsonText {
  const { executor_id, limits, user, labels, discovery, container, health_check } = task;
  return object({
    id: string(task.task_id.value),
    name: string(task.name),
    framework_id: string(task.framework_id.value),
    // Empty for a command task, whose executor is the agent's own.
    executor_id: string(executor_id?.value ?? ""),
    slave_id: string(task.agent_id.value),
    state: string(task.state),
    resources: resourceMessagesText(task.resources ?? []),
    limits: limits && limitsText(limits),
    role: string(task.resources?.[0]?.allocation_info?.role ?? ""),
    statuses: list((task.statuses ?? []).map(statusText)),
    user: user === undefined ? undefined : string(user),
    labels: labels && labelsText(labels),
    discovery: discovery && message("mesos.v1.DiscoveryInfo", discovery),
    container: container && message("mesos.v1.ContainerInfo", container),
    health_check: health_check && message("mesos.v1.HealthCheck", health_check),
  });
}

export function labelsText(labels: mesos.Labels): JsonText {
  return messages("mesos.v1.Label", labels.labels ?? []);
}

function limitsText(limits: Readonly<Record<string, mesos.ValueScalar>>): JsonText {
  const entries = Object.entries(limits).map(([name, { value }]) => [name, double(value)]);
  return object(Object.fromEntries(entries));
}

function statusText(status: mesos.TaskStatus): JsonText {
  const { labels, container_status, healthy } = status;
  return object({
    state: string(status.state),
    timestamp: double(status.timestamp ?? 0),
    labels: labels && labelsText(labels),
    container_status: container_status && containerStatusText(container_status),
    healthy: healthy === undefined ? undefined : boolean(healthy),
  });
}

/** The container and its addresses: what service discovery reads, and no more. */
function containerStatusText({ container_id, network_infos }: mesos.ContainerStatus): JsonText {
  return object({
    container_id: container_id && message("mesos.v1.ContainerID", container_id),
    network_infos: network_infos && messages("mesos.v1.NetworkInfo", network_infos),
  });
}
