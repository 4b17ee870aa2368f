/** Task states and the statuses made by the master itself (http-semantics 6). */

import type * as mesos from "../../protocol/v1/mesos.ts";
import { hasCapability } from "../framework/info.ts";
import type { FrameworkRow } from "../rows.ts";

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
