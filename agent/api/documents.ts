/** The documents of the agent's GET endpoints, as JSON text (shapes: endpoints.tsv). */
import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import { commandWithoutSecrets } from "../../worker/protocol/secrets.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import {
  boolean,
  double,
  integer,
  type JsonText,
  list,
  type Members,
  message,
  messages,
  object,
  seconds,
  string,
  strings,
} from "../../worker/protocol/wire/json-document.ts";
import { add, normalize, unreserved } from "../../worker/resources/algebra.ts";
import { attributesText } from "../../worker/resources/attribute-document.ts";
import {
  reservedText,
  resourceMessagesText,
  resourcesText,
  unreservedText,
} from "../../worker/resources/document-text.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import { renderForDocuments } from "../../worker/resources/render.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { labelsText, taskText } from "../../worker/resources/task-document.ts";
import type { RunRow } from "../core/rows.ts";
import { decodeStored } from "../core/stored.ts";
import { taskWithHistory } from "../core/task.ts";
import { sandboxPath } from "../shell/sandbox.ts";
import { type ShownContainer, shownContainers } from "./containers.ts";
import { type ShownExecutor, type ShownFramework, shownFrameworks } from "./executors.ts";
import { flagsOf } from "./flags.ts";
import { metricsOf } from "./metrics.ts";
import { allocated, total } from "./resources.ts";
import { type AgentView, agentId, agentPid } from "./view.ts";

export async function stateDocument(view: AgentView): Promise<JsonText> {
  const { state, config, startedMs } = view;
  const { agentInfo, capabilities } = state.facts;
  const frameworks = await shownFrameworks(view);
  const drain = state.drain.get("drain");
  return object({
    ...versionMembers(view),
    start_time: seconds(startedMs),
    id: string(agentId(state) ?? ""),
    pid: string(agentPid(view)),
    hostname: string(agentInfo.hostname),
    capabilities: strings(capabilities),
    domain: agentInfo.domain && message("mesos.v1.DomainInfo", agentInfo.domain),
    drain_config: drain && message("mesos.v1.DrainConfig", { mark_gone: drain.marksGone }),
    ...resourcesMembers(total(state), allocated(state)),
    resource_providers: list([]),
    attributes: attributesText(agentInfo.attributes ?? []),
    master_hostname: string(config.master.hostname),
    flags: flagsText(view),
    frameworks: list(
      frameworks.filter((each) => !each.isCompleted).map((each) => frameworkText(view, each)),
    ),
    completed_frameworks: list(
      frameworks.filter((each) => each.isCompleted).map((each) => frameworkText(view, each)),
    ),
  });
}

export function versionDocument(view: AgentView): JsonText {
  const { version, ...build } = versionMembers(view);
  return object({ ...build, version });
}

export function flagsDocument(view: AgentView): JsonText {
  return object({ flags: flagsText(view) });
}

export function metricsDocument(view: AgentView): JsonText {
  const metrics = metricsOf(view, Date.now());
  return object(Object.fromEntries(metrics.map(([name, value]) => [name, double(value)])));
}

export function systemDocument(): JsonText {
  const [one, five, fifteen] = loadavg();
  return object({
    avg_load_15min: double(fifteen ?? 0),
    avg_load_1min: double(one ?? 0),
    avg_load_5min: double(five ?? 0),
    cpus_total: integer(availableParallelism()),
    mem_free_bytes: integer(freemem()),
    mem_total_bytes: integer(totalmem()),
  });
}

export async function statisticsDocument(view: AgentView): Promise<JsonText> {
  const containers = await shownContainers(view, { withNested: false });
  return list(
    containers.map(({ executor, statistics }) =>
      object({
        ...executorNames(executor),
        statistics: statistics && message("mesos.v1.ResourceStatistics", statistics),
      }),
    ),
  );
}

/** What the parameters leave out is not there. */
export async function containersDocument(
  view: AgentView,
  isAsked: (container: ShownContainer) => boolean,
): Promise<JsonText> {
  const containers = await shownContainers(view, { withNested: false });
  return list(
    containers.filter(isAsked).map(({ executor, id, status, statistics }) =>
      object({
        container_id: string(id.value),
        ...executorNames(executor),
        statistics: statistics && message("mesos.v1.ResourceStatistics", statistics),
        status: status && message("mesos.v1.ContainerStatus", status),
      }),
    ),
  );
}

/** The containerizer keeps no queue: what it is told it does. */
export function containerizerDocument(): JsonText {
  return object({ pending: list([]) });
}

function versionMembers({ version }: AgentView): Members & { readonly version: JsonText } {
  const { git_sha } = version;
  return {
    version: string(version.version),
    git_sha: git_sha === undefined ? undefined : string(git_sha),
    build_date: string(version.build_date),
    build_time: double(version.build_time),
    build_user: string(version.build_user),
  };
}

function flagsText(view: AgentView): JsonText {
  return object(Object.fromEntries(flagsOf(view).map(({ name, value }) => [name, string(value)])));
}

function resourcesMembers(all: Resources, taken: Resources): Members {
  const full = (resources: Resources): JsonText =>
    messages("mesos.v1.Resource", renderForDocuments(resources));
  return {
    resources: resourcesText(all),
    reserved_resources: reservedText(all, resourcesText),
    unreserved_resources: unreservedText(all),
    reserved_resources_full: reservedText(all, full),
    unreserved_resources_full: full(unreserved(all)),
    reserved_resources_allocated: reservedText(taken, resourcesText),
    unreserved_resources_allocated: unreservedText(taken),
  };
}

function frameworkText(view: AgentView, { info, executors }: ShownFramework): JsonText {
  const isMultiRole = (info.capabilities ?? []).some(({ type }) => type === "MULTI_ROLE");
  const texts = (isCompleted: boolean): JsonText =>
    list(
      executors
        .filter((executor) => executor.isCompleted === isCompleted)
        .map((executor) => executorText(view, executor)),
    );
  return object({
    id: string(info.id?.value ?? ""),
    name: string(info.name),
    user: string(info.user),
    failover_timeout: double(info.failover_timeout ?? 0),
    checkpoint: boolean(info.checkpoint ?? false),
    hostname: string(info.hostname ?? ""),
    principal: info.principal === undefined ? undefined : string(info.principal),
    ...(isMultiRole ? { roles: strings(info.roles ?? []) } : { role: string(info.role ?? "*") }),
    executors: texts(false),
    completed_executors: texts(true),
  });
}

function executorText({ config }: AgentView, executor: ShownExecutor): JsonText {
  const { containerId, agentId: id, frameworkId, info, tasks } = executor;
  const role = info.resources?.[0]?.allocation_info?.role;
  const executorId = info.executor_id.value;
  const place = { agentId: id, frameworkId, executorId, containerId };
  const texts = (stages: readonly string[], text: (run: RunRow) => JsonText): JsonText =>
    list(tasks.filter(({ stage }) => stages.includes(stage)).map(({ run }) => text(run)));
  return object({
    id: string(executorId),
    name: string(info.name ?? ""),
    source: string(info.source ?? ""),
    container: string(containerId),
    directory: string(sandboxPath(config.workDirectory, place)),
    resources: resourcesText(executorResources(executor)),
    role: role === undefined ? undefined : string(role),
    labels: info.labels && labelsText(info.labels),
    type: info.type && string(info.type),
    tasks: texts(["LAUNCHED"], (run) => taskText(taskWithHistory(run))),
    queued_tasks: texts(["QUEUED"], queuedTaskText),
    completed_tasks: texts(["TERMINATED", "COMPLETED"], (run) => taskText(taskWithHistory(run))),
  });
}

/** Its own, and those of its tasks that have not ended. */
function executorResources({ info, tasks }: ShownExecutor): Resources {
  const active = tasks.filter(({ stage }) => stage === "QUEUED" || stage === "LAUNCHED");
  const ofTasks = active.map(({ run }) => decodeStored("mesos.v1.TaskInfo", run.info).resources);
  return [info.resources, ...ofTasks].reduce<Resources>(
    (sum, each) => add(sum, parsed(each ?? [])),
    normalize([]),
  );
}

/** What a framework named was checked when it came; what does not parse is not counted. */
function parsed(resources: readonly mesos.Resource[]): Resources {
  const result = parseResources(resources);
  return result.ok ? result.value : [];
}

function queuedTaskText({ info, parentId, executorId, agentId: id }: RunRow): JsonText {
  const task = decodeStored("mesos.v1.TaskInfo", info);
  return object({
    id: string(task.task_id.value),
    name: string(task.name),
    slave_id: string(id),
    resources: resourceMessagesText(task.resources ?? []),
    role: string(task.resources?.[0]?.allocation_info?.role ?? ""),
    command: task.command && message("mesos.v1.CommandInfo", commandWithoutSecrets(task.command)),
    executor_id: parentId === undefined ? undefined : string(executorId),
    discovery: task.discovery && message("mesos.v1.DiscoveryInfo", task.discovery),
  });
}

function executorNames({ info, frameworkId }: ShownExecutor): Members {
  return {
    executor_id: string(info.executor_id.value),
    executor_name: string(info.name ?? ""),
    framework_id: string(frameworkId),
    source: string(info.source ?? ""),
  };
}
