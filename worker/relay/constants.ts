/** Times and bounds of a relay. */

/** How long a report waits for the master's word before the agent is told to try again. */
export const REPORT_HOLD_MS = 25_000;

/**
 * The master hears from a relay that has agents at least this often; it wakes one that is silent
 * for 75 s.
 */
export const ALIVE_INTERVAL_MS = 50_000;

/**
 * How long a caller waits for the agent's next sign that it is at work on the call: a piece of the
 * answer, or a request for a piece of the call's body.
 */
export const CALL_TIMEOUT_MS = 30_000;

/**
 * Callers of one agent at a time: each may have a stream open, with `CALLER_QUEUED_BYTES` in it.
 */
export const CALLS_PER_AGENT = 64;

/**
 * An acknowledgement of commands waits this long for company: the report that follows it takes it
 * along, and the master has one turn less for each task.
 */
export const ACKNOWLEDGE_DELAY_MS = 100;

/** Back-off of a batch that did not reach the master: doubles from the first to the last. */
export const RETRY_FIRST_MS = 100;
export const RETRY_OVERLOADED_MS = 1_000;
export const RETRY_LAST_MS = 5_000;

/**
 * One batch: what the master can do in one turn, and well below the 32 MiB of one call between
 * objects.
 */
export const BATCH_MESSAGES = 1_000;
export const BATCH_BYTES = 8 * 1024 * 1024;

/** Commands in one poll's answer; the next poll acknowledges them and gets the rest. */
export const COMMANDS_PER_POLL = 200;
