/** Every bound and time of the agent's core, with its reason. */
import type { ExecutorTimes } from "./state.ts";

/** First repetition of an unacknowledged update, doubling up to the second (http-semantics 6.3). */
export const UPDATE_RETRY_MIN_MS = 10_000;
export const UPDATE_RETRY_MAX_MS = 600_000;

/** From SIGTERM to SIGKILL when neither the KILL nor the task says (http-semantics 17.2, 20). */
export const KILL_GRACE_MS = 3_000;

/** SHUTDOWN_EXECUTOR: 5 s for the executor, of which it keeps 1 s, and 1 s for itself (17.2). */
export const EXECUTOR_SHUTDOWN_GRACE_MS = 3_000;

/** How long an executor without containers waits for acknowledgements (http-semantics 17.3). */
export const EXECUTOR_ACKNOWLEDGEMENT_WAIT_MS = 60_000;

/** How long an executor stays when all that it had is over: as Mesos' own, for another group. */
export const EXECUTOR_LINGER_MS = 1_000;

/** What an executor keeps of its shutdown's grace: 1 s for itself, 1 s for the agent (17.2). */
export const EXECUTOR_SHUTDOWN_KEPT_MS = 2_000;

/** As Mesos' agents wait for custom executors if nobody says otherwise (http-semantics 20). */
export const defaultExecutorTimes: ExecutorTimes = {
  registrationMs: 60_000,
  reregistrationMs: 2_000,
  shutdownGraceMs: 5_000,
};

/** While executors are awaited their tasks may be lost, and nobody knows (10.6). */
export const EXECUTOR_REREGISTRATION_MAX_MS = 15_000;

/** Between two checks of a task whose framework wants none: a check costs something, too. */
export const CHECK_PAUSE_MIN_MS = 100;

/**
 * Uuids that are remembered of one run: an executor repeats only what was not acknowledged before
 * its stream broke, which is a handful.
 */
export const RECEIVED_UUIDS_MAX = 100;

/** Characters of statuses in one report: half of what a request may have. */
export const REPORT_LENGTH = 4_000_000;

/**
 * Bytes of executors' messages that wait for a report; of more, the oldest are dropped. With the
 * statuses and what base64 adds they fit into one request.
 */
export const EXECUTOR_MESSAGES_BYTES = 2 * 1024 * 1024;

/**
 * Runs with updates in one report: at four updates a run and about 1 KB each, half of what a
 * request may have.
 */
export const RUNS_PER_REPORT = 1_000;

/**
 * After a report that failed: pause before the next, doubling. Short, because a failed attempt
 * costs next to nothing.
 */
export const REPORT_RETRY_MIN_MS = 100;
export const REPORT_RETRY_MAX_MS = 2_000;

/** What is remembered of runs that are over, as Mesos' agents do (http-semantics 20). */
export const COMPLETED_FRAMEWORKS_MAX = 50;
export const COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX = 150;
export const COMPLETED_TASKS_PER_EXECUTOR_MAX = 200;

/**
 * Of all frameworks together: each is a row in memory and in every snapshot, and a small file.
 * Mesos would keep more if all of its 50 frameworks had 150 executors, but most are never full.
 */
export const COMPLETED_RUNS_MAX = 1_000;

/** Frameworks without a run that are remembered for their capabilities. */
export const IDLE_FRAMEWORKS_MAX = 200;
