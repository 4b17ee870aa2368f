/** The log's lines about tasks, read from the Changes: when one runs, and how it ended. */

import type { Change } from "../../worker/std/table.ts";
import type { UpdateRow } from "../core/rows.ts";
import { decodeStored } from "../core/stored.ts";

export function taskLines(changes: readonly Change[]): string[] {
  const lines: string[] = [];
  for (const { table, before, after } of changes) {
    if (table !== "update" || before !== undefined || after === undefined) continue;
    // The rows of this table are of this type.
    const { taskId, frameworkId, state, status } = after as UpdateRow;
    if (state === "TASK_STARTING") continue;
    const { message, reason, healthy } = decodeStored("mesos.v1.TaskStatus", status);
    // What a check finds is its framework's affair, and may change with each.
    if (reason === "REASON_TASK_CHECK_STATUS_UPDATED") continue;
    const isHealth = reason === "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";
    const what = isHealth ? (healthy === true ? "healthy" : "not healthy") : state;
    const why = message === undefined ? "" : `: ${message}`;
    lines.push(`task ${taskId} of ${frameworkId} is ${what}${why}`);
  }
  return lines;
}
