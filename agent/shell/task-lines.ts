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
    const { message } = decodeStored("mesos.v1.TaskStatus", status);
    const why = message === undefined ? "" : `: ${message}`;
    lines.push(`task ${taskId} of ${frameworkId} is ${state}${why}`);
  }
  return lines;
}
