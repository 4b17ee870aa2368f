/**
 * RUN_TASK and RUN_TASK_GROUP: from a command to runs. The tasks of one command are launched,
 * dropped or refused together.
 */
import type { ExecutorId, FrameworkId, TaskId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { assert, defined } from "../../worker/std/assert.ts";
import { containerId } from "../containerizer/containerizer.ts";
import { launchObstacle } from "./launch-check.ts";
import { missingVolume } from "./operations.ts";
import type { RunRow } from "./rows.ts";
import { complete, finish, isLive, liveRunOf } from "./runs.ts";
import { type AgentState, newSeq, newUuid, type StepContext, uuidText } from "./state.ts";
import { launchFailedStatus, lostState, type StatusFacts } from "./status.ts";
import { addUpdate, type UpdateSubject } from "./updates.ts";

export function runTask(state: AgentState, context: StepContext, command: link.Command): void {
  const { run_task, number } = command;
  const frameworkIdText = run_task?.framework.id?.value;
  if (run_task === undefined || number === undefined || frameworkIdText === undefined) return;
  const { framework, task } = run_task;
  // The ids of the link's messages were checked by the master: here they get their brand.
  const frameworkId = frameworkIdText as FrameworkId;
  const taskId = task.task_id.value as TaskId;
  const subject: UpdateSubject = { frameworkId, taskId, runNumber: String(number) };
  putFramework(state, frameworkId, framework);
  const dropped = whyDropped(state, frameworkId, task);
  if (dropped !== undefined) {
    drop(state, context, subject, dropped);
    return;
  }
  forgetEndedRuns(state, context, subject);
  const run = newRun(state, context, { subject, task });
  const obstacle = launchObstacle(framework, task);
  if (obstacle !== undefined) {
    finish(state, context, state.run.put(run), launchFailedStatus(obstacle));
    return;
  }
  state.run.put(run);
  context.effects.push({ type: "LAUNCH", containerId: run.containerId, task, framework });
}

function newRun(
  state: AgentState,
  context: StepContext,
  { subject, task }: { readonly subject: UpdateSubject; readonly task: mesos.TaskInfo },
): RunRow {
  const seq = newSeq(state);
  const id = containerId(uuidText(newUuid(context, seq)));
  assert(id.ok, "a uuid is a container id");
  return {
    seq,
    containerId: id.value,
    agentId: defined(state.agent.get("agent"), "commands come after registration").id,
    ...subject,
    // A command task's executor has the task's id.
    executorId: task.task_id.value as ExecutorId,
    info: encodeJson("mesos.v1.TaskInfo", task),
    stage: { state: "LAUNCHING" },
  };
}

type Drop = Pick<StatusFacts, "reason" | "message">;

/** Why the task is not even tried, though it may be fine elsewhere or later. */
function whyDropped(
  state: AgentState,
  frameworkId: FrameworkId,
  task: mesos.TaskInfo,
): Drop | undefined {
  if (state.drain.has("drain")) {
    const message = "This agent is being drained and takes no new tasks";
    return { reason: "REASON_AGENT_DRAINING", message };
  }
  const taskId = task.task_id.value as TaskId;
  if (liveRunOf(state, frameworkId, taskId) !== undefined) {
    const message = `Task '${taskId}' is still running on this agent; use another id`;
    return { reason: "REASON_TASK_INVALID", message };
  }
  const volume = missingVolume(state, task.resources);
  if (volume === undefined) return undefined;
  const { persistenceId, role } = volume;
  const message = `This agent has no persistent volume '${persistenceId}' of role '${role}'`;
  return { reason: "REASON_RESOURCES_UNKNOWN", message };
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

function putFramework(state: AgentState, id: FrameworkId, framework: mesos.FrameworkInfo): void {
  const before = state.framework.get(id);
  const info = encodeJson("mesos.v1.FrameworkInfo", framework);
  if (before?.info === info) return;
  const capabilities = (framework.capabilities ?? []).flatMap(({ type }) => type ?? []);
  state.framework.put({ seq: before?.seq ?? newSeq(state), id, info, capabilities });
}
