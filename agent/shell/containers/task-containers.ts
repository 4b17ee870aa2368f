/** The containers of tasks and executors, as clients' containers find them: what they launch in. */
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import type {
  ContainerGroup,
  ContainerId,
  ContainerSpec,
  ResourceLimits,
  UserRange,
} from "../../containerizer/containerizer.ts";
import { containerSpec, DEFAULT_PATH, resourceLimits } from "../../core/container-spec.ts";
import { executorLaunch } from "../../core/executor-task.ts";
import type { ExecutorRow, RunRow } from "../../core/rows.ts";
import { mayHaveContainer } from "../../core/runs.ts";
import type { AgentState } from "../../core/state.ts";
import { decodeStored } from "../../core/stored.ts";
import { volumesOf } from "../../core/volumes.ts";
import { sandboxPath, taskSandboxPath } from "../sandbox.ts";
import type { TaskDefaults } from "../task-defaults.ts";
import { volumeMounts } from "../volumes.ts";
import type { ContainerChain } from "./chain.ts";

/** What a container gets from the one that it is launched in. */
export interface Surroundings {
  /** Undefined: the outer container has no process to live beside, and no limits of its own. */
  readonly inside: ContainerId | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  /** Those of its containers' own that he is among; undefined: he is the machine's. */
  readonly users?: UserRange | undefined;
  readonly sandboxDirectory: string;
  readonly limits: ResourceLimits;
  /** That it belongs to, when it has no process to live beside. */
  readonly group?: ContainerGroup;
  /** The persistent volumes of that group. */
  readonly agentFolders?: ContainerSpec["agentFolders"];
  readonly volumes?: ContainerSpec["volumes"];
}

export type TaskContainer =
  | { readonly kind: "TASK"; readonly run: RunRow }
  /** Of a task group; or a custom one, which has a process. */
  | { readonly kind: "EXECUTOR"; readonly row: ExecutorRow };

/** Undefined: no task or executor that is remembered in the books has it. */
export function findTaskContainer(
  state: AgentState,
  chain: ContainerChain,
): TaskContainer | undefined {
  const [first, second, ...rest] = chain;
  if (rest.length > 0) return undefined;
  for (const run of state.run.values()) {
    if (run.entrustedBy !== undefined) continue;
    const isSame =
      second === undefined
        ? run.parentId === undefined && run.containerId === first
        : run.parentId === first && run.containerId === second;
    if (isSame) return { kind: "TASK", run };
  }
  if (second !== undefined) return undefined;
  for (const row of state.executor.values()) {
    if (row.containerId === first) return { kind: "EXECUTOR", row };
  }
  return undefined;
}

export function isAlive(container: TaskContainer): boolean {
  if (container.kind === "EXECUTOR") return container.row.stage === "RUNNING";
  const { stage } = container.run;
  return mayHaveContainer(container.run) && "startedMs" in stage;
}

/** Of one that lives the container that has its processes, if it has any. */
export function processesOf(container: TaskContainer): ContainerId | undefined {
  if (!isAlive(container)) return undefined;
  if (container.kind === "TASK") return container.run.containerId;
  const { process, containerId } = container.row;
  return process?.state === "SUBSCRIBED" ? containerId : undefined;
}

export interface SurroundingsOptions {
  readonly state: AgentState;
  readonly workDirectory: string;
  /** Advertised port. */
  readonly port: number;
  readonly taskDefaults: TaskDefaults;
  /** Of containers that are not Docker's; undefined: the machine's. */
  readonly users: UserRange | undefined;
}

export function surroundingsOf(
  container: TaskContainer,
  options: SurroundingsOptions,
): Surroundings {
  return container.kind === "TASK"
    ? aroundTask(container.run, options)
    : aroundExecutor(container.row, options);
}

function aroundTask(run: RunRow, options: SurroundingsOptions): Surroundings {
  const { state, workDirectory, port } = options;
  const task = decodeStored("mesos.v1.TaskInfo", run.info);
  const executor = run.parentId === undefined ? undefined : state.executor.get(run.parentId);
  const info = executor && decodeStored("mesos.v1.ExecutorInfo", executor.info);
  const framework = frameworkOf(state, run.frameworkId);
  const outer = sandboxPath(workDirectory, {
    ...run,
    containerId: run.parentId ?? run.containerId,
  });
  const sandboxDirectory =
    run.parentId === undefined ? outer : taskSandboxPath(outer, run.containerId);
  const spec = containerSpec(framework, task, {
    ...{ containerId: run.containerId, agentId: run.agentId, ip: state.facts.ip, port },
    operatorEnvironment: options.taskDefaults.environment,
    ...(info !== undefined && { executor: info }),
    sandboxDirectory,
    user: userOf(framework, info?.command?.user, options),
  });
  const { environment, user, limits, docker } = spec;
  const users = docker === undefined ? options.users : undefined;
  return { inside: run.containerId, environment, user, users, sandboxDirectory, limits };
}

function aroundExecutor(row: ExecutorRow, options: SurroundingsOptions): Surroundings {
  const info = decodeStored("mesos.v1.ExecutorInfo", row.info);
  const framework = frameworkOf(options.state, row.frameworkId);
  const inside = processesOf({ kind: "EXECUTOR", row });
  if (inside !== undefined) {
    const { containerId, agentId } = row;
    const times = options.state.facts.executorTimes;
    const launch = executorLaunch(row, framework, { runs: [], times });
    const spec = containerSpec(framework, launch.task, {
      ...{ containerId, agentId, ip: options.state.facts.ip, port: options.port },
      operatorEnvironment: options.taskDefaults.environment,
      sandboxDirectory: sandboxPath(options.workDirectory, row),
      user: userOf(framework, info.command?.user, options),
    });
    const { environment, user, sandboxDirectory, limits, docker } = spec;
    const users = docker === undefined ? options.users : undefined;
    return { inside, environment, user, users, sandboxDirectory, limits };
  }
  const sandboxDirectory = sandboxPath(options.workDirectory, row);
  return {
    inside: undefined,
    environment: { PATH: DEFAULT_PATH },
    user: userOf(framework, info.command?.user, options),
    users: options.users,
    sandboxDirectory,
    group: { id: row.containerId, sandboxDirectory },
    ...volumeMounts(options.workDirectory, volumesOf(info.resources)),
    limits: limitsOf({ resources: info.resources }),
  };
}

/** Of resources that are nobody's task. */
export function limitsOf(bounds: Pick<mesos.TaskInfo, "resources" | "limits">): ResourceLimits {
  const nobody = { value: "" };
  return resourceLimits({ name: "", task_id: nobody, agent_id: nobody, ...bounds });
}

function frameworkOf(state: AgentState, id: string): mesos.FrameworkInfo {
  for (const row of state.framework.values()) {
    if (row.id === id) return decodeStored("mesos.v1.FrameworkInfo", row.info);
  }
  return { user: "", name: "" };
}

/** Undefined: the agent's own. */
function userOf(
  framework: mesos.FrameworkInfo,
  named: string | undefined,
  { taskDefaults: { switchUser } }: SurroundingsOptions,
): string | undefined {
  return named || (switchUser ? framework.user : undefined) || undefined;
}
