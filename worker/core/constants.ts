/** Times and bounds of the master, as Mesos has them unless said otherwise. */

export const HEARTBEAT_INTERVAL_MS = 15_000;

/** A framework whose stream we lost has at least this long to come back. */
export const RECOVERED_FRAMEWORK_WAIT_MS = 600_000;

/** A due time missed by more than this was missed because the master was down, not asleep. */
export const OUTAGE_MS = 120_000;

/**
 * An agent that has sent nothing for this long is unreachable: three polls, as in Mesos' five pings
 * of 15 s.
 */
export const AGENT_SILENCE_MS = 75_000;

/** Without a word from a relay for this long, the master wakes it. */
export const RELAY_SILENCE_MS = 75_000;

/** Agents one relay serves: a held poll costs it about 4 kB. */
export const AGENTS_PER_RELAY = 1_000;

export const DEFAULT_REFUSE_MS = 5_000;
export const MAX_REFUSE_MS = 365 * 86_400_000;

/**
 * What a framework declined or left unused returns to it no sooner, also with `refuse_seconds` 0.
 * It stands for Mesos' allocation interval; others are offered the resources at once.
 */
export const MIN_REFUSE_MS = 1_000;

export const COMPLETED_FRAMEWORKS_MAX = 50;
/**
 * Completed tasks kept in the object, all frameworks together; the oldest is overwritten. The state
 * documents show all of them in one piece, so there are not more than a turn can read.
 */
export const COMPLETED_TASKS_MAX = 1_000;

/**
 * Statuses kept of one task, and characters of one: an agent may send any number, but a row is
 * bounded.
 */
export const KEPT_STATUSES = 50;
export const KEPT_STATUS_LENGTH = 16_000;

/** Characters of an AgentInfo: what fits into one row beside the rest. */
export const AGENT_INFO_LENGTH_MAX = 1_000_000;

/** Agents offered in one turn at most; the rest follows in the next turn. */
export const AGENTS_ALLOCATED_PER_TURN = 500;

/** Failover timeouts above this (about 292 years, 64-bit nanoseconds) are refused. */
export const FAILOVER_TIMEOUT_MAX_MS = 2 ** 63 / 1e6;
