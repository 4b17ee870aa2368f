/** Times and bounds of the master, as Mesos has them unless said otherwise. */

export const HEARTBEAT_INTERVAL_MS = 15_000;

/** Streams of operator events; the oldest is closed when there would be more. */
export const SUBSCRIBERS_MAX = 1_000;

/** A framework whose stream we lost has at least this long to come back. */
export const RECOVERED_FRAMEWORK_WAIT_MS = 600_000;

/** A due time missed by more than this was missed because the master was down, not asleep. */
export const OUTAGE_MS = 120_000;

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

/** Characters of an agent's total as JSON: what fits into its row and into a command. */
export const AGENT_TOTAL_LENGTH_MAX = 300_000;

/** An operation's status that is not acknowledged is sent again after 10 s, 20 s, ... 10 min. */
export const OPERATION_RESEND_MS = 10_000;
export const OPERATION_RESEND_MAX_MS = 600_000;

/** Changes that operators made, as far as they are remembered. */
export const AUDIT_ENTRIES_MAX = 1_000;

export const COMPLETED_FRAMEWORKS_MAX = 50;
/** Completed tasks kept of each framework, completed ones included; the oldest is overwritten. */
export const COMPLETED_TASKS_PER_FRAMEWORK_MAX = 1_000;

/**
 * Statuses kept of one task, and characters of one: an agent may send any number, but a row is
 * bounded.
 */
export const KEPT_STATUSES = 50;
export const KEPT_STATUS_LENGTH = 16_000;

/** Characters of an AgentInfo: what fits into one row beside the rest. */
export const AGENT_INFO_LENGTH_MAX = 1_000_000;

/**
 * Offers made in one turn at most; the allocation goes on in the next one. With their rows, Changes
 * and messages they take about 4 ms.
 */
export const OFFERS_PER_TURN = 200;

/** Steps of an allocation in one turn at most, offered or not: of about 0.1 µs each. */
export const ALLOCATION_WORK_PER_TURN = 40_000;

/** Agents that an allocation takes up at once: guarantees are met among them first. */
export const AGENTS_ALLOCATED_AT_ONCE = 1_000;

/** An unreachable agent, or one that is gone, is remembered for so long, and so many of each. */
export const AGENT_MEMORY_MS = 14 * 86_400_000;
export const UNREACHABLE_AGENTS_MAX = 102_400;
export const GONE_AGENTS_MAX = 102_400;

/**
 * Characters of all frameworks' offer constraints together: compiled, they take up to 40 times as
 * much of the 128 MB that there are.
 */
export const OFFER_CONSTRAINTS_LENGTH_MAX = 1024 * 1024;

/** Failover timeouts above this (about 292 years, 64-bit nanoseconds) are refused. */
export const FAILOVER_TIMEOUT_MAX_MS = 2 ** 63 / 1e6;
