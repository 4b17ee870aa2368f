/**
 * The rows of the master's tables. Plain JSON values: the store writes them as they are.
 *
 * A table is durable unless its entry in `durability` says otherwise: a volatile row lives as long
 * as the object's memory, because it stands for something that ends with it (an offer ends with the
 * stream it was sent on; see docs/decisions).
 */
import type {
  AgentId,
  ClusterId,
  ExecutorId,
  FrameworkId,
  OfferId,
  RelayId,
  SessionId,
  StreamId,
  TaskId,
} from "../protocol/ids.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import type { Resources } from "../resources/resource.ts";
import type { Row } from "../std/table.ts";

/** The cluster itself: one row, made at the first start. */
export interface ClusterRow extends Row {
  readonly id: ClusterId;
  readonly createdMs: number;
  /** Name of the allocation policy. */
  readonly policy: string;
}

/** Streams of numbers that must never repeat. `next` is stored ahead, a block at a time. */
export type CounterName = "seq" | "agent" | "framework" | "offer" | "completion";
export interface CounterRow extends Row {
  readonly name: CounterName;
  /** Numbers below this may be in use. */
  readonly reserved: number;
}

export type FrameworkConnection =
  | { readonly state: "CONNECTED"; readonly streamId: StreamId }
  /** Its client closed the stream, or failed it: removed when the failover timeout has passed. */
  | { readonly state: "DISCONNECTED"; readonly sinceMs: number; readonly removeAtMs: number }
  /**
   * Its stream was lost with the object: nobody's fault, so it has at least 10 minutes to come
   * back.
   */
  | { readonly state: "RECOVERED"; readonly sinceMs: number; readonly removeAtMs: number };

export interface FrameworkRow extends Row {
  readonly id: FrameworkId;
  /** FrameworkInfo as wire JSON, id included; `frameworkInfo(row)` decodes it. */
  readonly info: string;
  /** Effective roles: `roles`, or the one `role` of a framework without MULTI_ROLE. */
  readonly roles: readonly string[];
  readonly suppressedRoles: readonly string[];
  readonly capabilities: readonly mesos.FrameworkInfoCapabilityType[];
  readonly principal?: string;
  readonly failoverTimeoutMs: number;
  readonly registeredMs: number;
  readonly reregisteredMs: number;
  readonly connection: FrameworkConnection;
}

/** A removed framework, kept for the state documents and to refuse its id. Bounded, oldest out. */
export interface CompletedFrameworkRow extends Row {
  readonly id: FrameworkId;
  readonly info: string;
  readonly registeredMs: number;
  readonly reregisteredMs: number;
  readonly unregisteredMs: number;
}

/** The live stream of a framework (volatile): when its next heartbeat is due. */
export interface StreamRow extends Row {
  readonly id: StreamId;
  readonly frameworkId: FrameworkId;
  readonly heartbeatDueMs: number;
}

export type AgentConnection =
  | { readonly state: "CONNECTED" }
  | { readonly state: "UNREACHABLE"; readonly sinceMs: number };

export interface AgentRow extends Row {
  readonly id: AgentId;
  /** AgentInfo as wire JSON, id included; `agentInfo(row)` decodes it. */
  readonly info: string;
  readonly hostname: string;
  readonly ip: string;
  readonly port: number;
  readonly version: string;
  readonly capabilities: readonly mesos.AgentInfoCapabilityType[];
  readonly total: Resources;
  readonly relayId: RelayId;
  readonly sessionId: SessionId;
  readonly registeredMs: number;
  readonly reregisteredMs?: number;
  readonly connection: AgentConnection;
}

/** An outstanding offer (volatile). */
export interface OfferRow extends Row {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly agentId: AgentId;
  readonly resources: Resources;
  readonly createdMs: number;
  /** When the offer is rescinded; absent = never. */
  readonly timeoutAtMs?: number;
}

/** A task that is not completed: staging, running, unreachable, or ended but not acknowledged. */
export interface TaskRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly id: TaskId;
  readonly agentId: AgentId;
  /**
   * Number of the RUN_TASK command that launched it: tells this run from an older one of the same
   * id.
   */
  readonly run: number;
  readonly executorId?: ExecutorId;
  readonly name: string;
  /** The role its resources are allocated to. */
  readonly role: string;
  readonly resources: Resources;
  /** The newest state known, which may be ahead of what the framework has been told. */
  readonly state: mesos.TaskState;
  /**
   * State of the last update sent towards the framework, and its uuid (base64) when it wants
   * acknowledgement.
   */
  readonly statusState: mesos.TaskState;
  readonly statusUuid?: string;
  /**
   * TaskStatus as wire JSON without `data`: the last one of each run of equal states, oldest first.
   */
  readonly statuses: readonly string[];
  /** Since when its framework has been told that it is unreachable, ms; absent while it is not. */
  readonly unreachableMs?: number;
}

/**
 * An update that an agent reported (volatile: the agent keeps the truth). A task's rows stay in the
 * order of their report until the task is completed; the first one that is not acknowledged is with
 * the framework.
 */
export interface UpdateRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly agentId: AgentId;
  /** base64 */
  readonly uuid: string;
  /** TaskStatus as wire JSON, `data` included; empty once acknowledged. */
  readonly status: string;
  readonly state: mesos.TaskState;
  readonly acknowledged: boolean;
  /** When it was last sent to its framework; absent = not yet. */
  readonly deliveredMs?: number;
}

/** A command that the agent has not acknowledged. Its number is its `seq`. */
export interface CommandRow extends Row {
  readonly agentId: AgentId;
  readonly command: AgentCommand;
}
export type AgentCommand =
  /** The TaskInfo is read from the task's body when the command is sent. */
  | { readonly type: "RUN_TASK"; readonly frameworkId: FrameworkId; readonly taskId: TaskId }
  | {
      readonly type: "KILL_TASK";
      readonly frameworkId: FrameworkId;
      readonly taskId: TaskId;
      readonly run: number;
      /** Nanoseconds as decimal text: 64 bits. */
      readonly gracePeriodNs?: string;
    }
  | { readonly type: "SHUTDOWN_FRAMEWORK"; readonly frameworkId: FrameworkId }
  /**
   * The agent did not name these runs when it registered: it answers for each one it does not have.
   */
  | { readonly type: "RECONCILE_TASKS"; readonly runs: readonly RunKey[] }
  | {
      readonly type: "SHUTDOWN_EXECUTOR";
      readonly frameworkId: FrameworkId;
      readonly executorId: ExecutorId;
    };

/** One run of a task. */
export interface RunKey {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly run: number;
}

/**
 * A refusal: the framework is not offered these (or fewer) resources of the agent for the role
 * until then.
 */
export interface FilterRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly agentId: AgentId;
  readonly refused: Resources;
  readonly cause: "DECLINED" | "LEFT_OVER" | "INVALID_ACCEPT";
  readonly createdMs: number;
  readonly expiresAtMs: number;
  /**
   * True: nothing at all of the agent is offered until then (the framework declines faster than
   * once a second).
   */
  readonly blocksAll: boolean;
}

/** Something an operator set for a role. */
export interface RoleRow extends Row {
  readonly name: string;
  readonly weight: number;
}

export interface RelayRow extends Row {
  readonly id: RelayId;
}

/**
 * When the master wakes a relay that has been silent (volatile, started afresh after a restart).
 */
export interface RelayWatchRow extends Row {
  readonly relayId: RelayId;
  readonly heardMs: number;
  readonly dueMs: number;
}

/** Every table by name. */
export interface Rows {
  cluster: ClusterRow;
  counter: CounterRow;
  framework: FrameworkRow;
  completedFramework: CompletedFrameworkRow;
  stream: StreamRow;
  agent: AgentRow;
  offer: OfferRow;
  task: TaskRow;
  update: UpdateRow;
  command: CommandRow;
  filter: FilterRow;
  role: RoleRow;
  relay: RelayRow;
  relayWatch: RelayWatchRow;
}
export type TableName = keyof Rows;

/** Texts kept on disk only, by number; read back on demand. */
export type ColdTableName =
  /** TaskInfo as wire JSON, by the task row's seq. */
  | "taskBody"
  /** Task (message) as wire JSON, by its place in a ring. */
  | "completedTask";

/** A filter that does not outlive a restart and re-subscription is not worth a row. */
const FILTER_DURABLE_MS = 10_000;

/** Whether a row is written to disk. */
export const durable: { readonly [T in TableName]: (row: Rows[T]) => boolean } = {
  cluster: () => true,
  counter: () => true,
  framework: () => true,
  completedFramework: () => true,
  stream: () => false,
  agent: () => true,
  offer: () => false,
  task: () => true,
  update: () => false,
  // A launch follows from its task's row: `launchCommands` makes it again.
  command: ({ command }) => command.type !== "RUN_TASK",
  filter: (row) => row.expiresAtMs - row.createdMs > FILTER_DURABLE_MS,
  role: () => true,
  relay: () => true,
  relayWatch: () => false,
};
