/** What became of agents, tasks and operations in a turn, read off the changes of their rows. */

import { isTerminal } from "../../protocol/task-state.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { defined } from "../../std/assert.ts";
import type { Change } from "../../std/table.ts";
import type { AgentRow, OperationRow, TaskRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";
import { taskKey } from "../tables.ts";
import { decodeStatus } from "../task/complete.ts";
import { stateToldTo } from "../task/status.ts";
import type { CountedTurn } from "./counted-turn.ts";
import type { Counters } from "./counters.ts";
import { count, countFor } from "./increments.ts";
import { operationCounter, operationType } from "./operations.ts";

export function countAgent(counters: Counters, change: Change): void {
  // The rows of the table `agent`.
  const before = change.before as AgentRow | undefined;
  const after = change.after as AgentRow | undefined;
  if (before === undefined) count(counters, "slave_registrations");
  else if (after !== undefined && before.reregisteredMs !== after.reregisteredMs) {
    count(counters, "slave_reregistrations");
  }
  if (before?.connection.state !== "CONNECTED") return;
  if (after?.connection.state === "CONNECTED") return;
  count(counters, "slave_removals");
  // Without a row an operator has declared it gone.
  if (after === undefined) return;
  count(counters, "slave_removals/reason_unhealthy");
  count(counters, "slave_unreachable_scheduled");
  count(counters, "slave_unreachable_completed");
}

/**
 * A task's end counts when the master learns of it. A row that leaves without an end is of a task
 * that was unreachable for so long that it is forgotten.
 */
export function countTask(turn: CountedTurn, change: Change): void {
  // The rows of the table `task`.
  const before = change.before as TaskRow | undefined;
  const after = change.after as TaskRow | undefined;
  const { state, counters, gone } = turn;
  if (after === undefined) return;
  const { frameworkId } = after;
  const framework = defined(
    state.tables.framework.get(frameworkId) ?? gone.framework.get(frameworkId),
    "a task has its framework",
  );
  const told = (task: TaskRow): mesos.TaskState => stateToldTo(framework, task.state);
  if (before !== undefined && isTerminal(told(before))) return;
  if (isTerminal(told(after))) {
    countTaskEnd(counters, frameworkId, told(after), statusBehind(turn, after));
  } else if (after.state === "TASK_UNREACHABLE" && before?.state !== "TASK_UNREACHABLE") {
    countReason(counters, after.state, statusBehind(turn, after));
  }
}

/** `status`: the one that tells the end, if it is known. */
export function countTaskEnd(
  counters: Counters,
  frameworkId: string | undefined,
  end: mesos.TaskState,
  status: mesos.TaskStatus | undefined,
): void {
  count(counters, end.toLowerCase().replace("task_", "tasks_"));
  countFor(counters, frameworkId, `tasks/terminal/${end.toLowerCase()}`);
  countReason(counters, end, status);
}

/** What the agent has just reported, or what the master has made up itself. */
function statusBehind(turn: CountedTurn, task: TaskRow): mesos.TaskStatus | undefined {
  const reported = turn.reported.get(taskKey(task.frameworkId, task.id)) ?? [];
  const telling = reported.find(({ state }) => state === task.state);
  if (telling !== undefined) return telling;
  const last = task.statuses.at(-1);
  return last === undefined ? undefined : decodeStatus(last);
}

/** One counter per end, source and reason, in the names of the old API. */
function countReason(
  counters: Counters,
  state: mesos.TaskState,
  status: mesos.TaskStatus | undefined,
): void {
  const { source, reason } = status ?? {};
  if (source === undefined || reason === undefined) return;
  const name = `${state}/${source}/${reason.replace("_AGENT", "_SLAVE")}`;
  count(counters, name.replace("SOURCE_AGENT", "SOURCE_SLAVE").toLowerCase());
}

/** Its end counts when the master learns of it; so does that a framework had it carried out. */
export function countOperation({ counters, input }: CountedTurn, change: Change): void {
  // The rows of the table `operation`.
  const before = change.before as OperationRow | undefined;
  const after = change.after as OperationRow | undefined;
  if (after === undefined) return;
  const info = decodeStored("mesos.v1.Offer.Operation", after.info);
  const type = operationType(info);
  if (before === undefined && type !== undefined) {
    countFor(counters, after.frameworkId, `operations/${type}`);
  }
  if (after.state === before?.state || !countOperationEnd(counters, after.state, type)) return;
  if (input.type !== "RELAY_BATCH") return;
  count(counters, "messages_operation_status_update");
  count(counters, "valid_operation_status_updates");
}

/** It never had a row: the call was refused it at once. */
export function countRefusedOperation(
  counters: Counters,
  call: scheduler.Call,
  { operation_id: id, state }: mesos.OperationStatus,
): void {
  const info = call.accept?.operations?.find((each) => each.id?.value === id?.value);
  const type = info === undefined ? undefined : operationType(info);
  if (state !== undefined) countOperationEnd(counters, state, type);
}

/** False: it is no end. */
function countOperationEnd(
  counters: Counters,
  state: mesos.OperationState,
  type: string | undefined,
): boolean {
  const name = operationCounter(state);
  if (name === undefined) return false;
  count(counters, `operations/${name}`);
  if (type !== undefined) count(counters, `operations/${type}/${name}`);
  return true;
}
