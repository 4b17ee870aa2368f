/**
 * Status updates: the agent reports them, the framework gets them one at a time, in order, until it
 * acknowledges (http-semantics 6.3).
 *
 * The agent sends all it has; the order of delivery is kept here, so that an acknowledgement
 * releases the next update without a trip to the agent. The rows are volatile: after a restart the
 * agent sends them again.
 */

import type * as link from "../../protocol/link/messages.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { encodeBase64 } from "../../protocol/wire/base64.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { assert } from "../../std/assert.ts";
import type { AgentRow, FrameworkRow, TaskRow, UpdateRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import { taskKey } from "../tables.ts";
import { sendCommands, sendEvent, type Turn } from "../turn.ts";
import { appendStatus, completeTask, decodeStatus } from "./complete.ts";
import { stateToldTo } from "./status.ts";

/** An agent repeats after 10 s at the earliest; what comes sooner accompanies something new. */
const REDELIVER_AFTER_MS = 5_000;

/** What an agent reported, or repeated. */
export function updatesReported(
  turn: Turn,
  agent: AgentRow,
  updates: readonly link.StatusUpdate[],
): void {
  const told = new Set<string>();
  for (const update of updates) updateReported(turn, agent, update, told);
}

/** `told`: keys of the tasks whose framework was told by this report. */
function updateReported(
  turn: Turn,
  agent: AgentRow,
  update: link.StatusUpdate,
  told: Set<string>,
): void {
  const { status } = update;
  const uuid = status.uuid;
  if (uuid === undefined) return;
  const key = taskKey(update.framework_id.value, status.task_id.value);
  const task = turn.state.tables.task.get(key);
  const ours = task?.agentId === agent.id && BigInt(task.run) === update.run_number;
  if (task === undefined || !ours) {
    // Of a run that is completed: its framework has acknowledged this one before, or is gone.
    acknowledgeToAgent(turn, agent, update.framework_id.value, status.task_id.value, uuid);
    return;
  }
  const text = encodeBase64(uuid);
  const rows = turn.state.index.updatesOfTask(key);
  const known = rows.find((row) => row.uuid === text);
  if (known?.acknowledged === true) {
    acknowledgeToAgent(turn, agent, task.frameworkId, task.id, uuid);
    return;
  }
  if (known === undefined) {
    if (rows.some((row) => isTerminal(row.state))) {
      // Nothing follows a terminal update; the agent need not repeat what nobody will be told.
      acknowledgeToAgent(turn, agent, task.frameworkId, task.id, uuid);
      return;
    }
    queueUpdate(turn, task, update, text);
  }
  const head = turn.state.index.updatesOfTask(key).find((row) => !row.acknowledged);
  // A repeated update wakes also an older one that its agent no longer has: after a restart of the
  // master an old copy of a report may have brought it back, and nobody else would tell the
  // framework again.
  const isRepeated = known !== undefined && !told.has(key);
  if (head === undefined || (head.uuid !== text && !isRepeated)) return;
  told.add(key);
  // A report takes along what is unacknowledged of its run: what the framework has just been told
  // is not told again.
  const sinceMs = turn.nowMs - (head.deliveredMs ?? Number.NEGATIVE_INFINITY);
  if (sinceMs >= REDELIVER_AFTER_MS) deliver(turn, head);
}

function queueUpdate(turn: Turn, task: TaskRow, update: link.StatusUpdate, uuid: string): void {
  const { tables } = turn.state;
  tables.update.put({
    seq: newSeq(turn.state),
    frameworkId: task.frameworkId,
    taskId: task.id,
    agentId: task.agentId,
    uuid,
    status: encodeJson("mesos.v1.TaskStatus", update.status),
    state: update.status.state,
    acknowledged: false,
  });
  // The newest state counts at once: resources of an ended task are free before anybody
  // acknowledges.
  const state = isTerminal(task.state) ? task.state : update.latest_state;
  if (task.state === state && task.unreachableMs === undefined) return;
  tables.task.put({ ...task, state, unreachableMs: undefined });
}

/** Sends the update to its framework and notes that this is what the framework was told last. */
function deliver(turn: Turn, row: UpdateRow): void {
  const { tables } = turn.state;
  const key = taskKey(row.frameworkId, row.taskId);
  const task = tables.task.get(key);
  const framework = tables.framework.get(row.frameworkId);
  assert(task !== undefined && framework !== undefined, `update ${row.seq} has task and framework`);
  const status = decodeStatus(row.status);
  if (task.statusUuid !== row.uuid) {
    const statuses = appendStatus(task, status);
    tables.task.put({ ...task, statusState: row.state, statusUuid: row.uuid, statuses });
  }
  if (framework.connection.state !== "CONNECTED") return;
  tables.update.put({ ...row, deliveredMs: turn.nowMs });
  // The agent may have reported it before it heard what the framework can take now.
  const told = { ...status, state: stateToldTo(framework, status.state) };
  sendEvent(turn, framework, { type: "UPDATE", update: { status: told } });
}

/** The update that is with the framework (again): it has just subscribed. */
export function redeliver(turn: Turn, task: TaskRow): void {
  const rows = turn.state.index.updatesOfTask(taskKey(task.frameworkId, task.id));
  const head = rows.find((row) => !row.acknowledged);
  if (head !== undefined) deliver(turn, head);
}

/** ACKNOWLEDGE: the framework has the update; the agent may forget it and the next one follows. */
export function acknowledge(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallAcknowledge,
): void {
  const { tables, index } = turn.state;
  const taskId = call.task_id.value;
  const key = taskKey(framework.id, taskId);
  const task = tables.task.get(key);
  const uuid = encodeBase64(call.uuid);
  const agent = tables.agent.get(call.agent_id.value);
  if (agent === undefined) return;
  if (task !== undefined && task.agentId !== agent.id) return;
  const rows = index.updatesOfTask(key);
  const head = rows.find((row) => !row.acknowledged);
  // After a restart the queue is empty, but the row still knows what the framework was told last.
  const current = head === undefined ? task?.statusUuid === uuid : head.uuid === uuid;
  if (!current) return;
  acknowledgeToAgent(turn, agent, framework.id, taskId, call.uuid);
  if (head !== undefined) tables.update.put({ ...head, status: "", acknowledged: true });
  if (task === undefined) return;
  if (isTerminal(task.statusState) && task.statusUuid === uuid) completeTask(turn, task);
  else redeliver(turn, task);
}

/** Volatile: when it is lost the agent repeats the update and is told again. */
function acknowledgeToAgent(
  turn: Turn,
  agent: AgentRow,
  frameworkId: string,
  taskId: string,
  uuid: Uint8Array,
): void {
  const acknowledged = {
    framework_id: { value: frameworkId },
    task_id: { value: taskId },
    uuid,
  };
  sendCommands(turn, agent, [{ type: "ACKNOWLEDGE", acknowledge: acknowledged }]);
}
