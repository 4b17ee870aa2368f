/**
 * What an agent runs, held against what the master believes. Task truth is the agent's: runs it has
 * are believed, runs it lacks are asked about, runs nobody wants are ended.
 */

import type { FrameworkId, TaskId } from "../../protocol/ids.ts";
import type * as link from "../../protocol/link/messages.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { parseResources } from "../../resources/parse.ts";
import { RECOVERED_FRAMEWORK_WAIT_MS } from "../constants.ts";
import { frameworkFacts } from "../framework/facts.ts";
import type { AgentRow, FrameworkRow, RunKey, TaskRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import { taskKey } from "../tables.ts";
import { decodeStatus, withStatus } from "../task/complete.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { enqueueCommand } from "./commands.ts";
import { reconcileExecutors } from "./executors.ts";

/** STRANGER: the agent brings its id from a life of the cluster that the master has lost. */
type Origin = "KNOWN" | "STRANGER";

export function reconcileRuns(
  turn: Turn,
  agent: AgentRow,
  {
    request,
    origin,
    wasLost,
  }: {
    readonly request: link.RegisterRequest;
    readonly origin: Origin;
    /** Nothing was known of what it runs until now. */
    readonly wasLost: boolean;
  },
): void {
  const listed = new Set<string>();
  const unwanted = new Set<string>();
  for (const { task, run_number } of request.tasks ?? []) {
    const run = Number(run_number);
    listed.add(runKey(task.framework_id.value, task.task_id.value, run));
    // Only a stranger can know more frameworks than we: what a known agent remembers was removed.
    const infos = origin === "STRANGER" ? (request.frameworks ?? []) : [];
    const framework = adoptFramework(turn, task.framework_id.value, infos);
    if (framework === undefined) unwanted.add(task.framework_id.value);
    else believe(turn, { agent, origin }, framework, task, run);
  }
  for (const { framework_id } of request.executors ?? []) {
    const infos = origin === "STRANGER" ? (request.frameworks ?? []) : [];
    const framework = adoptFramework(turn, framework_id.value, infos);
    if (framework === undefined) unwanted.add(framework_id.value);
  }
  for (const id of unwanted) {
    enqueueCommand(turn, agent, { type: "SHUTDOWN_FRAMEWORK", frameworkId: id as FrameworkId });
  }
  reconcileExecutors(turn, agent, { named: request.executors ?? [], wasLost });
  askAboutMissing(turn, agent, listed);
}

function runKey(frameworkId: string, taskId: string, run: number): string {
  return `${taskKey(frameworkId, taskId)}/${run}`;
}

/**
 * The task's framework. One that only the agent remembers (the master lost its disk) waits as
 * recovered.
 */
function adoptFramework(
  turn: Turn,
  id: string,
  infos: readonly mesos.FrameworkInfo[],
): FrameworkRow | undefined {
  const { tables } = turn.state;
  const known = tables.framework.get(id);
  if (known !== undefined || tables.completedFramework.has(id)) return known;
  const info = infos.find((candidate) => candidate.id?.value === id);
  if (info === undefined) return undefined;
  const facts = frameworkFacts(info, {});
  const waitMs = Math.max(RECOVERED_FRAMEWORK_WAIT_MS, facts.failoverTimeoutMs);
  return tables.framework.put({
    seq: newSeq(turn.state),
    id: id as FrameworkId,
    ...facts,
    registeredMs: turn.nowMs,
    reregisteredMs: turn.nowMs,
    connection: { state: "RECOVERED", sinceMs: turn.nowMs, removeAtMs: turn.nowMs + waitMs },
  });
}

/** Takes over what the agent says of one run. */
function believe(
  turn: Turn,
  { agent, origin }: { readonly agent: AgentRow; readonly origin: Origin },
  framework: FrameworkRow,
  task: mesos.Task,
  run: number,
): void {
  const { tables } = turn.state;
  const known = tables.task.get(taskKey(framework.id, task.task_id.value));
  if (known === undefined && origin === "STRANGER") {
    adoptTask(turn, agent, framework, task, run);
    return;
  }
  if (known?.agentId !== agent.id || known.run !== run) {
    // The run is completed: the registration was long on its way, or the agent's disk is an old
    // copy.
    const taskId = task.task_id.value as TaskId;
    if (!isTerminal(task.state)) killRun(turn, agent, framework.id, taskId, run);
    return;
  }
  const end = [known.state, task.state].find(isTerminal);
  if (known.unreachableMs !== undefined) {
    // How it ended is told by the agent's own update, which wants an acknowledgement and is on its
    // way.
    if (end === undefined) tellReturned(turn, framework, known, task.state);
    else tables.task.put({ ...known, state: end, unreachableMs: undefined });
  } else if (!isTerminal(known.state) && known.state !== task.state) {
    tables.task.put({ ...known, state: task.state });
  }
}

/**
 * A task that nobody here knows. One that has ended is named because its end is not acknowledged:
 * the agent's update will tell it.
 */
function adoptTask(
  turn: Turn,
  agent: AgentRow,
  framework: FrameworkRow,
  task: mesos.Task,
  run: number,
): void {
  const ended = isTerminal(task.state);
  const resources = parseResources(task.resources);
  if (!resources.ok) {
    if (!ended) killRun(turn, agent, framework.id, task.task_id.value as TaskId, run);
    return;
  }
  const role = task.resources?.[0]?.allocation_info?.role ?? framework.roles[0] ?? "*";
  const row: TaskRow = {
    seq: newSeq(turn.state),
    frameworkId: framework.id,
    id: task.task_id.value as TaskId,
    agentId: agent.id,
    run,
    executorId: (task.executor_id?.value ?? task.task_id.value) as TaskRow["executorId"],
    // Agents name no executor of a command task.
    ...(task.executor_id !== undefined && { hasOwnExecutor: true as const }),
    name: task.name,
    role,
    resources: resources.value,
    state: task.state,
    statusState: ended ? "TASK_RUNNING" : task.state,
    statuses: [],
  };
  if (ended) turn.state.tables.task.put(row);
  else tellReturned(turn, framework, row, task.state);
}

/**
 * Nothing of its absence is kept: its statuses are again what the agent said, as in Mesos, which
 * takes the task from the agent's list.
 */
function tellReturned(
  turn: Turn,
  framework: FrameworkRow,
  task: TaskRow,
  state: mesos.TaskState,
): void {
  const statuses = task.statuses.filter((text) => decodeStatus(text).state !== "TASK_UNREACHABLE");
  turn.state.tables.task.put({ ...task, state, statuses, unreachableMs: undefined });
  const before = statuses.map(decodeStatus).findLast((status) => status.container_status);
  const returned = withStatus(turn, task, {
    container_status: before?.container_status,
    state,
    reason: "REASON_AGENT_REREGISTERED",
    message: `Agent ${task.agentId} came back with the task`,
  });
  const status = decodeStatus(returned.statuses.at(-1) ?? "");
  sendEvent(turn, framework, { type: "UPDATE", update: { status } });
}

function killRun(
  turn: Turn,
  agent: AgentRow,
  frameworkId: FrameworkId,
  taskId: TaskId,
  run: number,
): void {
  enqueueCommand(turn, agent, {
    type: "KILL_TASK",
    frameworkId,
    taskId,
    run,
    gracePeriodNs: undefined,
  });
}

/** Its launch never arrived and will now: from here on it holds its resources again. */
function launchAgain(turn: Turn, task: TaskRow): void {
  const framework = turn.state.tables.framework.get(task.frameworkId);
  if (framework === undefined || task.state !== "TASK_UNREACHABLE") return;
  tellReturned(turn, framework, task, "TASK_STAGING");
}

/** Runs the agent should have but did not name, unless their launch is still on its way. */
function askAboutMissing(turn: Turn, agent: AgentRow, listed: ReadonlySet<string>): void {
  const waiting = new Set<number>();
  for (const row of turn.state.index.commandsOfAgent(agent.id)) {
    const { type } = row.command;
    if (type === "RUN_TASK" || type === "RUN_TASK_GROUP") waiting.add(row.seq);
  }
  const missing: RunKey[] = [];
  for (const task of turn.state.index.tasksOfAgent(agent.id)) {
    const { frameworkId, id: taskId, run } = task;
    if (isTerminal(task.state)) continue;
    if (waiting.has(run)) {
      launchAgain(turn, task);
      continue;
    }
    if (!listed.has(runKey(frameworkId, taskId, run))) missing.push({ frameworkId, taskId, run });
  }
  if (missing.length > 0) enqueueCommand(turn, agent, { type: "RECONCILE_TASKS", runs: missing });
}
