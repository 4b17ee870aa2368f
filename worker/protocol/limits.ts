/**
 * Every bound on what comes over the wire, each with its reason. A bound is checked before the work
 * or the memory that it bounds is spent.
 */

/** What a JSON text may cost before it is parsed. */
export interface JsonLimits {
  /** UTF-16 code units of the whole text. */
  readonly length: number;
  /** Objects and lists inside each other. */
  readonly depth: number;
  /** Object members and list elements in the whole text; each costs memory however short it is. */
  readonly values: number;
}

/**
 * Bytes of one request body. The single writer has 128 MB in all and a JSON text costs several
 * times its length while it is decoded; 8 MiB carries an ACCEPT of a few thousand tasks or the
 * registration of an agent that runs 4,000.
 */
export const REQUEST_BYTES = 8 * 1024 * 1024;

/**
 * One answer or event as a client of ours reads it (SDK, command line): the state of a big cluster
 * is larger than any request, and the reader is a process of its own.
 */
export const ANSWER_BYTES = 256 * 1024 * 1024;

/** What a binary message may cost before it is kept. */
export interface ProtobufLimits {
  /** Bytes of the whole message. */
  readonly length: number;
  /** Messages, or groups that are skipped, inside each other. */
  readonly depth: number;
  /** Occurrences of known fields and list elements: two bytes can become an object of fifty. */
  readonly values: number;
}

/** 100 is where other protobuf parsers stop as well, so both encodings refuse the same messages. */
const DEPTH = 100;

/** A task with its statuses has some 120 values, and 500,000 take about 40 MB. */
export const REQUEST_JSON: JsonLimits = {
  length: REQUEST_BYTES,
  depth: DEPTH,
  values: 500_000,
};

export const ANSWER_JSON: JsonLimits = {
  length: ANSWER_BYTES,
  depth: DEPTH,
  values: 50_000_000,
};

export const REQUEST_PROTOBUF: ProtobufLimits = {
  length: REQUEST_BYTES,
  depth: DEPTH,
  values: REQUEST_JSON.values,
};

/**
 * Missing required fields that one error names; a list of thousands helps nobody and costs an
 * answer.
 */
export const MISSING_FIELDS_NAMED = 20;

/** Characters of a client's own text that an error repeats. */
export const QUOTED_LENGTH = 64;

/**
 * One ACCEPT or DECLINE; more offers than agents in the largest cluster we plan for mean a broken
 * client.
 */
export const OFFERS_PER_CALL = 50_000;

/** One ACCEPT: operations, and tasks over all its LAUNCHes. Bounds the length of one turn. */
export const OPERATIONS_PER_CALL = 1_000;
export const TASKS_PER_CALL = 5_000;

/** One RECONCILE; each entry is answered by an event of its own. Bounds the length of one turn. */
export const TASKS_PER_RECONCILE = 20_000;

/**
 * Bytes of a framework, agent, task, executor or persistence id: a file name of most file systems.
 */
export const ID_BYTES = 255;

/** Bytes of a container id: room for what is appended to it in file names and cgroups. */
export const CONTAINER_ID_BYTES = 242;

/** Bytes of a status or operation update's uuid: raw, not text. */
export const UUID_BYTES = 16;

/** Bytes of one role, all its components included: it becomes part of keys and metrics. */
export const ROLE_BYTES = 1_024;

/** Roles of one framework: every one of them is visited by each allocation. */
export const ROLES_PER_FRAMEWORK = 1_000;

/**
 * Characters of one set of offer constraints as JSON: every expression in it is compiled, and held
 * against every agent.
 */
export const OFFER_CONSTRAINTS_LENGTH = 64 * 1024;

/**
 * What is kept whole, in characters of its JSON: the store takes 2 MB per value. A TaskInfo is a
 * value of its own; the others are texts within a row, where each may get twice as long.
 */
export const TASK_INFO_LENGTH = 1_500_000;
export const FRAMEWORK_INFO_LENGTH = 400_000;
export const EXECUTOR_INFO_LENGTH = 700_000;
export const OPERATION_LENGTH = 700_000;

/**
 * `data` of one MESSAGE or status: relayed through memory, and both ways it shares a stream with
 * offers.
 */
export const MESSAGE_BYTES = 1024 * 1024;

/**
 * `data` of one CallReply: streamed uploads do not pass buffering proxies, so an answer goes in
 * pieces.
 */
export const CALL_REPLY_BYTES = 256 * 1024;
