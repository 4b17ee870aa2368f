/** Task states and the statuses made by the master itself (http-semantics 6). */

import type * as mesos from "../../protocol/v1/mesos.ts";
import { hasCapability } from "../framework/info.ts";
import type { FrameworkRow } from "../rows.ts";

const TERMINAL: { readonly [S in mesos.TaskState]: boolean } = {
  TASK_STAGING: false,
  TASK_STARTING: false,
  TASK_RUNNING: false,
  TASK_KILLING: false,
  TASK_FINISHED: true,
  TASK_FAILED: true,
  TASK_KILLED: true,
  TASK_ERROR: true,
  TASK_LOST: true,
  TASK_DROPPED: true,
  TASK_UNREACHABLE: false,
  TASK_GONE: true,
  TASK_GONE_BY_OPERATOR: true,
  TASK_UNKNOWN: false,
};

export function isTerminal(state: mesos.TaskState): boolean {
  return TERMINAL[state];
}

/** States that only partition-aware frameworks know; the others are told TASK_LOST. */
const PARTITION_AWARE_ONLY: ReadonlySet<mesos.TaskState> = new Set([
  "TASK_DROPPED",
  "TASK_UNREACHABLE",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
  "TASK_UNKNOWN",
]);

export function stateToldTo(framework: FrameworkRow, state: mesos.TaskState): mesos.TaskState {
  const aware = hasCapability(framework, "PARTITION_AWARE");
  return PARTITION_AWARE_ONLY.has(state) && !aware ? "TASK_LOST" : state;
}
