/**
 * RUN_TASK and RUN_TASK_GROUP: from a command to runs. The tasks of one command are launched,
 * dropped or refused together.
 */
import type { ExecutorId, FrameworkId, TaskId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { defined } from "../../worker/std/assert.ts";
import { emptyStatus } from "./check-status.ts";
import { complete } from "./completed.ts";
import { isEnding } from "./custom-executors.ts";
import { executorFor } from "./executors.ts";
import { entrustedObstacle, executorObstacle, launchObstacle } from "./launch-check.ts";
import { missingVolume } from "./operations.ts";
import type { ExecutorRow, RunRow } from "./rows.ts";
import { beginLaunch, finish, isLive, liveRunOf } from "./runs.ts";
import { type AgentState, newContainerId, newSeq, type StepContext } from "./state.ts";
import { cancelledStatus, launchFailedStatus, lostState, type StatusFacts } from "./status.ts";
import { decodeStored } from "./stored.ts";
import { addUpdate, type UpdateSubject } from "./updates.ts";
import { volumesOf } from "./volumes.ts";

export function runTask(state: AgentState, context: StepContext, command: link.Command): void {
  const { run_task, number } = command;
  if (run_task === undefined || number === undefined) return;
  const { framework, task } = run_task;
  launch(state, context, { framework, tasks: [task], runNumber: String(number) });
}

export function runTaskGroup(
  state: AgentState,
  context: StepContext,
  { run_task_group, number }: link.Command,
): void {
  if (run_task_group === undefined || number === undefined) return;
  const { framework, executor, task_group } = run_task_group;
  const { tasks = [] } = task_group;
  launch(state, context, { framework, executor, tasks, runNumber: String(number) });
}

/** What one command launches. */
interface Order {
  readonly framework: mesos.FrameworkInfo;
  readonly tasks: readonly mesos.TaskInfo[];
  readonly runNumber: string;
  /** Of a group. */
  readonly executor?: mesos.ExecutorInfo;
}

/** A task of an order, and what it becomes. */
interface Launch {
  readonly task: mesos.TaskInfo;
  readonly run: RunRow;
}

function launch(state: AgentState, context: StepContext, order: Order): void {
  const { framework, tasks } = order;
  // A single task may bring an executor of its own.
  const info = order.executor ?? tasks[0]?.executor;
  if (framework.id === undefined) return;
  // The ids of the link's messages were checked by the master: here they get their brand.
  const frameworkId = framework.id.value as FrameworkId;
  putFramework(state, frameworkId, framework);
  // Also of a group that will not run: the master counts on its executor, and has to hear its end.
  const executor = info && executorFor(state, context, { frameworkId, info });
  const entrustedBy = order.executor === undefined ? "LAUNCH" : "LAUNCH_GROUP";
  const { runNumber } = order;
  const launches = tasks.map((task) => ({
    task,
    run: newRun(state, context, { frameworkId, task, runNumber, executor, entrustedBy }),
  }));
  const dropped = firstOf(tasks, (task) => whyDropped(state, { frameworkId, task, executor }));
  if (dropped !== undefined) {
    for (const { run } of launches) drop(state, context, run, dropped);
    return;
  }
  for (const { run } of launches) forgetEndedRuns(state, context, run);
  if (refuse(state, context, { order, launches, executor })) return;
  if (executor !== undefined) state.executorsToCheck.add(executor.containerId);
  for (const { run } of launches) beginLaunch(state, context, run);
}

function newRun(
  state: AgentState,
  context: StepContext,
  order: {
    readonly frameworkId: FrameworkId;
    readonly task: mesos.TaskInfo;
    readonly runNumber: string;
    readonly executor: ExecutorRow | undefined;
    readonly entrustedBy: "LAUNCH" | "LAUNCH_GROUP";
  },
): RunRow {
  const { frameworkId, task, runNumber, executor, entrustedBy } = order;
  const seq = newSeq(state);
  const taskId = task.task_id.value as TaskId;
  return {
    seq,
    containerId: newContainerId(context, seq),
    agentId: defined(state.agent.get("agent"), "commands come after registration").id,
    frameworkId,
    taskId,
    runNumber,
    // A command task's executor has the task's id.
    executorId: executor?.executorId ?? (task.task_id.value as ExecutorId),
    ...(executor === undefined ? {} : { parentId: executor.containerId }),
    ...(executor?.process !== undefined ? { entrustedBy } : checkStatusOf(task)),
    info: encodeJson("mesos.v1.TaskInfo", task),
    stage: { state: "LAUNCHING" },
  };
}

/** A task with a check tells how it stands from the first. */
function checkStatusOf({ check }: mesos.TaskInfo): Pick<RunRow, "checkStatus"> {
  if (check === undefined) return {};
  return { checkStatus: encodeJson("mesos.v1.CheckStatusInfo", emptyStatus(check)) };
}

/** Whether this agent cannot run one of the tasks: then that one fails, and no other one starts. */
function refuse(
  state: AgentState,
  context: StepContext,
  {
    order,
    launches,
    executor,
  }: {
    readonly order: Order;
    readonly launches: readonly Launch[];
    readonly executor: ExecutorRow | undefined;
  },
): boolean {
  const obstacles = launches.map(({ task }) => obstacleOf(order.framework, task, executor));
  if (obstacles.every((obstacle) => obstacle === undefined)) return false;
  for (const [at, { run }] of launches.entries()) {
    const obstacle = obstacles[at];
    const status =
      obstacle === undefined ? cancelledStatus("KILLED") : launchFailedStatus(obstacle);
    finish(state, context, state.run.put(run), status);
  }
  return true;
}

function obstacleOf(
  framework: mesos.FrameworkInfo,
  task: mesos.TaskInfo,
  executor: ExecutorRow | undefined,
): string | undefined {
  if (executor === undefined) return launchObstacle(framework, task, { isNested: false });
  const common = executorObstacle(decodeStored("mesos.v1.ExecutorInfo", executor.info));
  if (common !== undefined) return common;
  const { process } = executor;
  if (process === undefined) return launchObstacle(framework, task, { isNested: true });
  // Volumes are put into a sandbox before its program starts.
  const isLate = process.state !== "NEW" && volumesOf(task.resources).length > 0;
  return entrustedObstacle(framework, task, { isLate });
}

type Drop = Pick<StatusFacts, "reason" | "message">;

/** Why the task is not even tried, though it may be fine elsewhere or later. */
function whyDropped(
  state: AgentState,
  launch: {
    readonly frameworkId: FrameworkId;
    readonly task: mesos.TaskInfo;
    readonly executor: ExecutorRow | undefined;
  },
): Drop | undefined {
  const { frameworkId, task, executor } = launch;
  if (state.drain.has("drain")) {
    const message = "This agent is being drained and takes no new tasks";
    return { reason: "REASON_AGENT_DRAINING", message };
  }
  if (state.exitWhenEmpty !== undefined) {
    const message = "This agent is being shut down and takes no new tasks";
    return { reason: "REASON_AGENT_DISCONNECTED", message };
  }
  const taskId = task.task_id.value as TaskId;
  if (liveRunOf(state, frameworkId, taskId) !== undefined) {
    const message = `Task '${taskId}' is still running on this agent; use another id`;
    return { reason: "REASON_TASK_INVALID", message };
  }
  if (executor !== undefined && isEnding(executor)) {
    const message = `Executor '${executor.executorId}' is ending; launch the task again when it is gone`;
    return { reason: "REASON_EXECUTOR_TERMINATED", message };
  }
  if (executor === undefined && hasExecutor(state, frameworkId, taskId)) {
    const message = `The task's id is that of executor '${taskId}' on this agent; use another id`;
    return { reason: "REASON_TASK_INVALID", message };
  }
  const volume = missingVolume(state, task.resources);
  if (volume === undefined) return undefined;
  const { persistenceId, role } = volume;
  const message = `This agent has no persistent volume '${persistenceId}' of role '${role}'`;
  return { reason: "REASON_RESOURCES_UNKNOWN", message };
}

/** A command task has an executor of its own id. */
function hasExecutor(state: AgentState, frameworkId: FrameworkId, id: string): boolean {
  return [...state.executor.values()].some(
    (row) => row.frameworkId === frameworkId && row.executorId === id && row.stage === "RUNNING",
  );
}

function drop(state: AgentState, context: StepContext, subject: UpdateSubject, why: Drop): void {
  addUpdate(state, context, subject, {
    state: lostState(state, subject.frameworkId, "TASK_DROPPED"),
    source: "SOURCE_AGENT",
    ...why,
  });
}

/**
 * The master launches an id again only when its earlier run is completed: its acknowledgement was
 * lost.
 */
function forgetEndedRuns(state: AgentState, context: StepContext, subject: UpdateSubject): void {
  for (const run of [...state.run.values()]) {
    const sameTask = run.taskId === subject.taskId && run.frameworkId === subject.frameworkId;
    if (sameTask && !isLive(run)) complete(state, run, context.nowMs);
  }
}

/** What is known of a framework here; its capabilities decide how states are told. */
export function putFramework(
  state: AgentState,
  id: FrameworkId,
  framework: mesos.FrameworkInfo,
): void {
  const before = state.framework.get(id);
  const info = encodeJson("mesos.v1.FrameworkInfo", framework);
  if (before?.info === info) return;
  const capabilities = (framework.capabilities ?? []).flatMap(({ type }) => type ?? []);
  state.framework.put({ seq: before?.seq ?? newSeq(state), id, info, capabilities });
}

function firstOf<T, R>(all: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
