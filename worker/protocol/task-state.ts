/** Which task states are the end (http-semantics: UNREACHABLE is not, the task may come back). */
import type * as mesos from "./v1/mesos.ts";

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
