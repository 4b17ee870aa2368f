/** The containers that live here, and what they use. */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { customExecutor } from "../core/custom-executors.ts";
import type { ExecutorRow } from "../core/rows.ts";
import { mayHaveContainer } from "../core/runs.ts";
import { decodeStored } from "../core/stored.ts";
import { messageOf } from "../shell/containers/chain.ts";
import { withAllocation } from "./allocation.ts";
import { liveExecutors, type ShownExecutor } from "./executors.ts";
import type { AgentView } from "./view.ts";

export interface ShownContainer {
  readonly executor: ShownExecutor;
  readonly id: mesos.ContainerID;
  readonly status: mesos.ContainerStatus | undefined;
  readonly statistics: mesos.ResourceStatistics | undefined;
}

/** One for each executor; those of a group's tasks, which are nested in it, when they are asked. */
export async function shownContainers(
  view: AgentView,
  { withNested }: { readonly withNested: boolean },
): Promise<readonly ShownContainer[]> {
  const shown = liveExecutors(view).flatMap((executor) => {
    const own = ownContainer(view, executor);
    return withNested ? [own, ...nestedContainers(view, executor)] : [own];
  });
  return await Promise.all(shown);
}

export async function getContainers(
  view: AgentView,
  call: agent.CallGetContainers,
): Promise<agent.ResponseGetContainers | undefined> {
  const containers = await shownContainers(view, { withNested: call.show_nested ?? false });
  const ofClients = await clientContainers(view, call);
  // Without a container Mesos leaves the part out.
  if (containers.length + ofClients.length === 0) return undefined;
  const ofTasks = containers.map(({ executor, id, status, statistics }) => ({
    framework_id: { value: executor.frameworkId },
    executor_id: executor.info.executor_id,
    executor_name: executor.info.name ?? "",
    container_id: id,
    ...(status !== undefined && { container_status: status }),
    ...(statistics !== undefined && { resource_statistics: statistics }),
  }));
  return { containers: [...ofTasks, ...ofClients] };
}

/** Those that clients launched, beside the others or inside of them. */
async function clientContainers(
  { containers, containerizer }: AgentView,
  { show_nested = false, show_standalone = false }: agent.CallGetContainers,
): Promise<readonly agent.ResponseGetContainersContainer[]> {
  const shown = containers
    .alive()
    .filter(({ chain }) => (chain.length > 1 ? show_nested : show_standalone));
  return await Promise.all(
    shown.map(async ({ id, chain }) => {
      const used = await containerizer.usage(id);
      const container_id = messageOf(chain);
      const outer = containers.taskAround(chain);
      return {
        ...(outer !== undefined && {
          framework_id: { value: outer.frameworkId },
          executor_id: { value: outer.executorId },
        }),
        container_id,
        container_status: { container_id },
        ...(used.ok && { resource_statistics: used.value }),
      };
    }),
  );
}

/** Of a group's executor, which is no process of its own, the sum of its tasks. */
async function ownContainer(view: AgentView, executor: ShownExecutor): Promise<ShownContainer> {
  const id = { value: executor.containerId };
  const custom = customExecutor(view.state, executor.containerId);
  if (custom !== undefined) return await customContainer(view, executor, custom);
  const [first] = executor.tasks;
  const isCommand = first !== undefined && first.run.parentId === undefined;
  const used = await Promise.all(executor.tasks.map(({ run }) => usage(view, run)));
  const status = isCommand ? statusOf(first.run) : { container_id: id };
  return { executor, id, status, statistics: sum(used.flatMap((each) => each ?? [])) };
}

/** Its tasks are in it. */
async function customContainer(
  { state, containerizer }: AgentView,
  executor: ShownExecutor,
  { containerId, pid }: ExecutorRow,
): Promise<ShownContainer> {
  const id = { value: containerId };
  const used = pid === undefined ? undefined : await containerizer.usage(containerId);
  const network_infos = [{ ip_addresses: [{ ip_address: state.facts.ip }] }];
  const status = {
    container_id: id,
    ...(pid !== undefined && { network_infos, executor_pid: pid }),
  };
  if (used?.ok !== true) return { executor, id, status, statistics: undefined };
  const tasks = executor.tasks.map(({ run }) => decodeStored("mesos.v1.TaskInfo", run.info));
  const resources = [executor.info, ...tasks].flatMap((each) => each.resources ?? []);
  return { executor, id, status, statistics: withAllocation(used.value, { resources }) };
}

function nestedContainers(
  view: AgentView,
  executor: ShownExecutor,
): readonly Promise<ShownContainer>[] {
  return executor.tasks.flatMap(({ run }) => {
    if (run.parentId === undefined || !mayHaveContainer(run)) return [];
    const id = { value: run.containerId, parent: { value: run.parentId } };
    const asked = usage(view, run);
    return [asked.then((statistics) => ({ executor, id, status: statusOf(run), statistics }))];
  });
}

type Run = ShownExecutor["tasks"][number]["run"];

/** As the newest status of the task tells it. */
function statusOf({ status }: Run): mesos.ContainerStatus | undefined {
  if (status === undefined) return undefined;
  return decodeStored("mesos.v1.TaskStatus", status).container_status;
}

/** Undefined: there is no container, or it ends at this moment. */
async function usage(view: AgentView, run: Run): Promise<mesos.ResourceStatistics | undefined> {
  if (!mayHaveContainer(run)) return undefined;
  const used = await view.containerizer.usage(run.containerId);
  if (!used.ok) return undefined;
  return withAllocation(used.value, decodeStored("mesos.v1.TaskInfo", run.info));
}

/** Every figure added up; the time is the latest one. */
function sum(all: readonly mesos.ResourceStatistics[]): mesos.ResourceStatistics | undefined {
  const [first, ...rest] = all;
  if (first === undefined || rest.length === 0) return first;
  const figures = new Map<string, unknown>();
  for (const [name, value] of all.flatMap((each) => Object.entries(each))) {
    const before = figures.get(name);
    if (typeof value === "bigint") figures.set(name, value + BigInt(Number(before ?? 0)));
    if (typeof value === "number") figures.set(name, value + Number(before ?? 0));
  }
  const timestamp = Math.max(...all.map((each) => each.timestamp));
  return { ...Object.fromEntries(figures), timestamp };
}
