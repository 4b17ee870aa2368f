/** A task's statuses, and its end: out of memory, into the bounded tail on disk. */

import { healthCheckWithoutSecrets } from "../../protocol/secrets.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { decodeBase64 } from "../../protocol/wire/base64.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { renderResources } from "../../resources/render.ts";
import { assert, defined } from "../../std/assert.ts";
import type { ColdReader } from "../cold.ts";
import { KEPT_STATUS_LENGTH, KEPT_STATUSES } from "../constants.ts";
import type { TaskRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";
import { taskKey } from "../tables.ts";
import { type Turn, timestamp } from "../turn.ts";
import { keepCompleted, ringOf } from "./completed.ts";
import { executorOf } from "./executor-of.ts";

/**
 * The task with one more status by the master itself: its state becomes the status' one. What it
 * was told last by its agent (`statusState`, `statusUuid`) stays, as in Mesos.
 */
export function withStatus(
  turn: Turn,
  task: TaskRow,
  facts: Pick<
    mesos.TaskStatus,
    "state" | "reason" | "message" | "unreachable_time" | "container_status"
  >,
): TaskRow {
  const executorId = executorOf(task);
  const status: mesos.TaskStatus = {
    task_id: { value: task.id },
    source: "SOURCE_MASTER",
    agent_id: { value: task.agentId },
    executor_id: executorId && { value: executorId },
    timestamp: timestamp(turn),
    ...facts,
  };
  const statuses = appendStatus(task, status);
  return { ...task, state: facts.state, statuses };
}

/**
 * The kept statuses and this one: of a run of equal states only the last is kept, and `data` never.
 */
export function appendStatus(task: TaskRow, status: mesos.TaskStatus): readonly string[] {
  const text = keptStatus(status);
  const last = task.statuses.at(-1);
  const repeated = last !== undefined && decodeStatus(last).state === status.state;
  const before = repeated ? task.statuses.slice(0, -1) : task.statuses;
  return [...before.slice(1 - KEPT_STATUSES), text];
}

/** Without `data`; one that is too long for a row is cut down to what decisions need. */
function keptStatus(status: mesos.TaskStatus): string {
  const { data: _, ...kept } = status;
  const text = encodeJson("mesos.v1.TaskStatus", kept);
  if (text.length <= KEPT_STATUS_LENGTH) return text;
  const { task_id, state, source, reason, agent_id, executor_id, timestamp, uuid } = status;
  const message = `${(status.message ?? "").slice(0, 1_000)} […]`;
  const facts = { task_id, state, source, reason, message, agent_id, executor_id, timestamp, uuid };
  return encodeJson("mesos.v1.TaskStatus", facts);
}

/**
 * Ends a task's row. Its Task message goes to its framework's completed tasks, over the oldest one.
 */
export function completeTask(turn: Turn, task: TaskRow): void {
  const { state } = turn;
  const key = taskKey(task.frameworkId, task.id);
  const framework = state.tables.framework.get(task.frameworkId);
  const { seq } = defined(framework, `task ${key} has its framework`);
  keepCompleted(state, ringOf(seq), taskMessage(state, task));
  state.cold.delete("taskBody", task.seq);
  // How it ended may be news: whoever follows the Changes is to see it before the row goes.
  if (state.tables.task.get(key) !== task) state.tables.task.put(task);
  for (const update of state.index.updatesOfTask(key)) {
    state.tables.update.delete(String(update.seq));
  }
  // The agent has carried it out; without its task it can not be sent again, so nobody would
  // acknowledge it.
  state.tables.command.delete(String(task.run));
  state.tables.task.delete(key);
}

/** Where the bodies of tasks are read: the state, or a snapshot of it. */
export interface BodyTexts {
  readonly cold: Pick<ColdReader, "get">;
}

/** The task as the state documents show it. */
export function taskMessage(texts: BodyTexts, task: TaskRow): mesos.Task {
  const info = taskInfo(texts, task);
  const executorId = executorOf(task);
  return {
    name: task.name,
    task_id: { value: task.id },
    framework_id: { value: task.frameworkId },
    executor_id: executorId && { value: executorId },
    agent_id: { value: task.agentId },
    state: task.state,
    resources: [
      ...renderResources(task.resources, {
        allocationRole: task.role,
        refinedReservations: true,
      }),
      // Nothing of a kind is nothing to the allocator, but it was asked for in so many words.
      ...(info?.resources ?? []).filter(({ scalar }) => scalar?.value === 0),
    ],
    statuses: task.statuses.map(decodeStatus),
    // Of one that no agent has said anything of there is none.
    status_update_state: task.statusUuid === undefined ? undefined : task.statusState,
    status_update_uuid: task.statusUuid === undefined ? undefined : storedUuid(task.statusUuid),
    labels: info?.labels,
    discovery: info?.discovery,
    container: info?.container,
    health_check: info?.health_check && healthCheckWithoutSecrets(info.health_check),
    kill_policy: info?.kill_policy,
    user: info?.command?.user ?? info?.executor?.command?.user,
  };
}

function storedUuid(text: string): Uint8Array {
  const uuid = decodeBase64(text);
  assert(uuid.ok, "a stored uuid decodes");
  return uuid.value;
}

export function decodeStatus(text: string): mesos.TaskStatus {
  return decodeStored("mesos.v1.TaskStatus", text);
}

/** Undefined for a task that came back with its agent after the master had lost its disk. */
function taskInfo({ cold }: BodyTexts, task: TaskRow): mesos.TaskInfo | undefined {
  const body = cold.get("taskBody", task.seq);
  if (body === undefined) return undefined;
  return decodeStored("mesos.v1.TaskInfo", body);
}
