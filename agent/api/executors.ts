/**
 * The agent's runs as Mesos shows them: frameworks, their executors, and those executors' tasks.
 *
 * The agent is the executor of command tasks itself, and of task groups too; towards clients each
 * command task has an executor of its own, and each group's executor is what its framework named.
 */
import type { FrameworkId } from "../../worker/protocol/ids.ts";
import { executorWithoutSecrets } from "../../worker/protocol/secrets.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import { executorContainer, pendingUpdate } from "../core/completed.ts";
import { EXECUTOR_SHUTDOWN_KEPT_MS } from "../core/limits.ts";
import type { CompletedRunRow, ExecutorRow, PendingUpdate, RunRow } from "../core/rows.ts";
import type { AgentState } from "../core/state.ts";
import { decodeStored } from "../core/stored.ts";
import type { AgentView } from "./view.ts";

/** A task by how far it is. TERMINATED: it has ended, and nobody has acknowledged that. */
export type TaskStage = "QUEUED" | "LAUNCHED" | "TERMINATED" | "COMPLETED";

export interface ShownTask {
  readonly stage: TaskStage;
  readonly run: RunRow;
  readonly pending: PendingUpdate | undefined;
}

export interface ShownExecutor {
  readonly containerId: ContainerId;
  readonly agentId: string;
  readonly frameworkId: FrameworkId;
  readonly info: mesos.ExecutorInfo;
  readonly isCompleted: boolean;
  readonly tasks: readonly ShownTask[];
}

export interface ShownFramework {
  readonly info: mesos.FrameworkInfo;
  /** Nothing of it lives here any more. */
  readonly isCompleted: boolean;
  readonly executors: readonly ShownExecutor[];
}

/** What lives, and what is remembered of what has ended; in the order in which it came. */
export async function shownFrameworks(view: AgentView): Promise<readonly ShownFramework[]> {
  const executors = await shownExecutors(view);
  const byFramework = grouped(executors, ({ frameworkId }) => frameworkId);
  const shown: ShownFramework[] = [];
  for (const [id, ofFramework] of byFramework) {
    const row = view.state.framework.get(id) ?? (await view.history.framework(id));
    if (row === undefined) continue;
    const info = decodeStored("mesos.v1.FrameworkInfo", row.info);
    const isCompleted = ofFramework.every((executor) => executor.isCompleted);
    shown.push({ info, isCompleted, executors: ofFramework });
  }
  return shown;
}

/** Those that live; of a completed executor nothing runs. */
export function liveExecutors({ state }: AgentView): readonly ShownExecutor[] {
  const runs = grouped(state.run.values(), executorContainer);
  const groups = [...state.executor.values()].map((row) =>
    groupExecutor(row, {
      isCompleted: false,
      tasks: (runs.get(row.containerId) ?? []).map((run) => live(state, run)),
    }),
  );
  const commands = [...state.run.values()]
    .filter(({ parentId }) => parentId === undefined)
    .map((run) => commandExecutor(run, { isCompleted: false, tasks: [live(state, run)] }));
  return [...groups, ...commands];
}

async function shownExecutors(view: AgentView): Promise<readonly ShownExecutor[]> {
  // All of it is of one moment: what is read from disk is about rows that are known now.
  const lives = new Map(liveExecutors(view).map((each) => [each.containerId, each]));
  const ending = endingTasks(view.state, lives);
  const completed = [...view.state.completedRun.values()];
  const tasks = await Promise.all(completed.map((row) => completedTask(view, row)));
  const byExecutor = grouped([...tasks.flatMap((task) => task ?? []), ...ending], ({ run }) =>
    executorContainer(run),
  );
  const shown: ShownExecutor[] = [];
  for (const [containerId, ofExecutor] of byExecutor) {
    const alive = lives.get(containerId);
    if (alive !== undefined) {
      lives.set(containerId, { ...alive, tasks: [...alive.tasks, ...ofExecutor] });
      continue;
    }
    const isCompleted = !ofExecutor.some((task) => ending.includes(task));
    const executor = await leftExecutor(view, containerId, { isCompleted, tasks: ofExecutor });
    if (executor !== undefined) shown.push(executor);
  }
  return [...shown, ...lives.values()];
}

/** Of task groups whose framework is gone: the executor's row went with it, its tasks still end. */
function endingTasks(
  state: AgentState,
  lives: ReadonlyMap<ContainerId, ShownExecutor>,
): readonly ShownTask[] {
  const runs = [...state.run.values()].filter((run) => !lives.has(executorContainer(run)));
  return runs.map((run) => live(state, run));
}

/** Undefined: its file was lost with the machine. */
async function completedTask(
  view: AgentView,
  { containerId, isUnacknowledged, pending }: CompletedRunRow,
): Promise<ShownTask | undefined> {
  const run = await view.history.run(containerId);
  return run && { run, pending, stage: isUnacknowledged ? "TERMINATED" : "COMPLETED" };
}

/** One that has no row any more. */
async function leftExecutor(
  { history }: AgentView,
  containerId: ContainerId,
  facts: Facts,
): Promise<ShownExecutor | undefined> {
  const [first] = facts.tasks;
  if (first?.run.parentId === undefined) return first && commandExecutor(first.run, facts);
  const row = await history.executor(containerId);
  return row && groupExecutor(row, facts);
}

function live(state: AgentState, run: RunRow): ShownTask {
  return { run, stage: liveStage(run), pending: pendingUpdate(state, run) };
}

function liveStage({ stage }: RunRow): TaskStage {
  if (stage.state === "ENDED") return "TERMINATED";
  const isQueued = ["FETCHING", "LAUNCHING", "LAUNCH_CANCELLED"].includes(stage.state);
  return isQueued ? "QUEUED" : "LAUNCHED";
}

type Facts = Pick<ShownExecutor, "isCompleted" | "tasks">;

function groupExecutor(row: ExecutorRow, facts: Facts): ShownExecutor {
  const { containerId, agentId, frameworkId } = row;
  const info = executorWithoutSecrets(decodeStored("mesos.v1.ExecutorInfo", row.info));
  return { containerId, agentId, frameworkId, info, ...facts };
}

function commandExecutor(run: RunRow, facts: Facts): ShownExecutor {
  const { containerId, agentId, frameworkId } = run;
  return { containerId, agentId, frameworkId, info: commandExecutorInfo(run), ...facts };
}

/** As Mesos makes one for a command task; its resources are Mesos' overhead for it (17.2). */
function commandExecutorInfo({ taskId, frameworkId, info }: RunRow): mesos.ExecutorInfo {
  const task = decodeStored("mesos.v1.TaskInfo", info);
  const { command, resources, labels, discovery, container, kill_policy } = task;
  const { uris, user } = command ?? {};
  const grace = kill_policy?.grace_period;
  const allocation = resources?.[0]?.allocation_info;
  const scalar = (name: string, value: number): mesos.Resource => ({
    name,
    type: "SCALAR",
    scalar: { value },
    ...(allocation !== undefined && { allocation_info: allocation }),
  });
  return {
    executor_id: { value: taskId },
    framework_id: { value: frameworkId },
    command: {
      shell: false,
      value: "rimrock-agent",
      ...(uris !== undefined && { uris }),
      ...(user !== undefined && { user }),
    },
    resources: [scalar("cpus", 0.1), scalar("mem", 32)],
    name: `Command Executor (Task: ${taskId}) (Command: ${commandWords(command ?? {})})`,
    source: taskId,
    ...(labels !== undefined && { labels }),
    ...(discovery !== undefined && { discovery }),
    ...(container !== undefined && { container }),
    ...(grace !== undefined && { shutdown_grace_period: shutdownGrace(grace) }),
  };
}

/** What the task may take to end, and what its executor needs besides. */
function shutdownGrace({ nanoseconds }: mesos.DurationInfo): mesos.DurationInfo {
  return { nanoseconds: nanoseconds + BigInt(EXECUTOR_SHUTDOWN_KEPT_MS) * 1_000_000n };
}

/** Longer ones are cut, as in Mesos. */
const COMMAND_CHARACTERS = 15;

function commandWords({ shell, value, arguments: argv }: mesos.CommandInfo): string {
  if (shell ?? true) {
    const text = value ?? "";
    const cut = text.length > COMMAND_CHARACTERS ? `${text.slice(0, 12)}...` : text;
    return `sh -c '${cut}'`;
  }
  const text = `[${[value ?? "", ...(argv ?? [])].join(", ")}]`;
  return text.length > COMMAND_CHARACTERS ? `${text.slice(0, 13)}...]` : text;
}

function grouped<K, V>(values: Iterable<V>, keyOf: (value: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}
