/**
 * What the agent knows: its tables (on disk), and what it may forget (the link, the timers).
 *
 * `newState(facts, rows)` is how every life begins; `save(state)` is its inverse for the tables.
 * Invariant: a volatile part only ever delays a message or a wake-up, it never decides what is
 * true.
 */
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { assert } from "../../worker/std/assert.ts";
import { type Prng, prng } from "../../worker/std/prng.ts";
import { type Change, Table } from "../../worker/std/table.ts";
import { TimerQueue } from "../../worker/std/timer-queue.ts";
import { type ContainerId, containerId } from "../containerizer/containerizer.ts";
import type { HealthState } from "./checks.ts";
import type { Effect, ExitReason } from "./effect.ts";
import type { StampedInput } from "./input.ts";
import { keyOf, type Rows, type StoredRows, type TableName, tableNames } from "./rows.ts";

/** What this life was started with. */
export interface AgentFacts {
  /** AgentInfo without `id`. */
  readonly agentInfo: mesos.AgentInfo;
  /** Address that the agent advertises. */
  readonly ip: string;
  readonly version: string;
  readonly capabilities: readonly mesos.AgentInfoCapabilityType[];
  /** This process's life: new for each. */
  readonly sessionId: string;
  readonly executorTimes: ExecutorTimes;
}

/** How long custom executors are waited for, in ms. */
export interface ExecutorTimes {
  /** From its start to its first SUBSCRIBE. */
  readonly registrationMs: number;
  /** From the agent's recovery to the SUBSCRIBE of one that outlived it. */
  readonly reregistrationMs: number;
  /** From SHUTDOWN to SIGKILL, where its framework does not say. */
  readonly shutdownGraceMs: number;
}

/** The agent's side of the link. */
export type LinkState =
  | { readonly state: "UNREGISTERED" }
  | { readonly state: "IDLE" }
  | {
      readonly state: "REPORTING";
      readonly reportNumber: number;
      readonly uuids: readonly string[];
      /** Containers of the executors whose exit it tells. */
      readonly exits: readonly ContainerId[];
    }
  /** The last report failed: nothing is sent before `untilMs`. */
  | { readonly state: "HOLDING"; readonly untilMs: number };

type Tables = { readonly [T in TableName]: Table<Rows[T]> };

export interface AgentState extends Tables {
  readonly facts: AgentFacts;
  link: LinkState;
  lastReportNumber: number;
  reportFailures: number;
  /** Updates by uuid: when each is to be sent (again). */
  readonly updateTimers: TimerQueue<string>;
  /** Interval in ms between the last two sendings of an update, by uuid. */
  readonly updateIntervals: Map<string, number>;
  /**
   * By container: when a run's grace or completion time is over, or an executor's wait for
   * acknowledgements.
   */
  readonly runTimers: TimerQueue<ContainerId>;
  /** By container: when an executor with nothing left to do ends. Counted afresh in each life. */
  readonly executorEnds: Map<ContainerId, number>;
  /** By kind and container: when a check of a run is to be made. */
  readonly checkTimers: TimerQueue<string>;
  /** Likewise: those that the shell was asked to make. */
  readonly checksUnderWay: Set<string>;
  readonly health: Map<ContainerId, HealthState>;
  /** Executors that may have nothing left to do, or something that is due. */
  readonly executorsToCheck: Set<ContainerId>;
  /** By container: the open stream of a custom executor. */
  readonly executorStreams: Map<ContainerId, number>;
  /** By container: when a custom executor that outlived the last process has to be back, in ms. */
  readonly executorReturns: Map<ContainerId, number>;
  /** By container: what a custom executor's limits were set to, as text. */
  readonly executorLimits: Map<ContainerId, string>;
  /** Of custom executors to their frameworks, for the next report. */
  executorMessages: readonly link.ExecutorMessage[];
  /** What has passed between custom executors and their frameworks since the process began. */
  readonly executorTraffic: {
    messagesPassed: number;
    messagesDropped: number;
    updatesDropped: number;
  };
  /** The process ends with this reason as soon as no run holds a container. */
  exitWhenEmpty: ExitReason | undefined;
  /** The TIMER_DUE last asked for. */
  timerMs: number | undefined;
  nextSeq: number;
  /** Changes since the last step began. */
  changes: Change[];
}

/** One step's clock, randomness and effects. */
export interface StepContext {
  readonly nowMs: number;
  readonly wallMs: number;
  readonly random: Prng;
  readonly effects: Effect[];
}

export const noRows: StoredRows = {
  agent: [],
  framework: [],
  run: [],
  update: [],
  completedRun: [],
  resources: [],
  volumeRemoval: [],
  drain: [],
  executor: [],
};

/** `rows`: as `save` or the checkpoint gave them; `noRows` in an empty work directory. */
export function newState(facts: AgentFacts, rows: StoredRows): AgentState {
  const record = (change: Change): void => {
    state.changes.push(change);
  };
  const state: AgentState = {
    facts,
    agent: filled("agent", rows, record),
    framework: filled("framework", rows, record),
    run: filled("run", rows, record),
    update: filled("update", rows, record),
    completedRun: filled("completedRun", rows, record),
    resources: filled("resources", rows, record),
    volumeRemoval: filled("volumeRemoval", rows, record),
    drain: filled("drain", rows, record),
    executor: filled("executor", rows, record),
    link: { state: "UNREGISTERED" },
    lastReportNumber: 0,
    reportFailures: 0,
    updateTimers: new TimerQueue(),
    updateIntervals: new Map(),
    runTimers: new TimerQueue(),
    executorEnds: new Map(),
    executorsToCheck: new Set(rows.executor.map(({ containerId }) => containerId)),
    checkTimers: new TimerQueue(),
    checksUnderWay: new Set(),
    health: new Map(),
    executorStreams: new Map(),
    executorReturns: new Map(),
    executorLimits: new Map(),
    executorMessages: [],
    executorTraffic: { messagesPassed: 0, messagesDropped: 0, updatesDropped: 0 },
    exitWhenEmpty: undefined,
    timerMs: undefined,
    nextSeq: 1 + maxSeq(rows),
    changes: [],
  };
  return state;
}

/** The rows of every table, in their order. */
export function save(state: AgentState): StoredRows {
  return {
    agent: [...state.agent.values()],
    framework: [...state.framework.values()],
    run: [...state.run.values()],
    update: [...state.update.values()],
    completedRun: [...state.completedRun.values()],
    resources: [...state.resources.values()],
    volumeRemoval: [...state.volumeRemoval.values()],
    drain: [...state.drain.values()],
    executor: [...state.executor.values()],
  };
}

export function newSeq(state: AgentState): number {
  return state.nextSeq++;
}

export function newContext({ nowMs, wallMs, seed }: Omit<StampedInput, "input">): StepContext {
  return { nowMs, wallMs, random: prng(seed), effects: [] };
}

/**
 * 16 bytes in the form of a random UUID (RFC 9562, version 4). A step's seed has only 32 bits, so
 * the last four bytes are `seq`: two of one agent are never equal.
 */
export function newUuid(context: StepContext, seq: number): Uint8Array {
  const bytes = Uint8Array.from({ length: 16 }, (_, at) =>
    at < 12 ? context.random.below(256) : (seq >>> (8 * (15 - at))) & 0xff,
  );
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}

export function newContainerId(context: StepContext, seq: number): ContainerId {
  const id = containerId(uuidText(newUuid(context, seq)));
  assert(id.ok, "a uuid is a container id");
  return id.value;
}

/** UUID text of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

function filled<T extends TableName>(
  name: T,
  rows: StoredRows,
  record: (change: Change) => void,
): Table<Rows[T]> {
  const table = new Table<Rows[T]>({ name, keyOf: keyOf[name], record });
  table.load(rows[name]);
  return table;
}

function maxSeq(rows: StoredRows): number {
  let max = 0;
  for (const name of tableNames) for (const row of rows[name]) max = Math.max(max, row.seq);
  return max;
}
