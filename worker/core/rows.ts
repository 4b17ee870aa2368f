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
  OperationUuid,
  RelayId,
  SessionId,
  StreamId,
  TaskId,
} from "../protocol/ids.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import type { Quantities, Resources } from "../resources/resource.ts";
import type { Row } from "../std/table.ts";

/** The cluster itself: one row, made at the first start. */
export interface ClusterRow extends Row {
  readonly id: ClusterId;
  readonly createdMs: number;
  /** Name of the allocation policy. */
  readonly policy: string;
}

/** Streams of numbers that must never repeat. `next` is stored ahead, a block at a time. */
export type CounterName = "seq" | "agent" | "framework" | "offer";
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
  /** OfferConstraints as wire JSON, known to be valid; absent = none. */
  readonly offerConstraints?: string;
  /** What it takes as too little, for the roles that have an offer filter of their own. */
  readonly offerMinimums?: readonly OfferMinimum[];
  readonly registeredMs: number;
  readonly reregisteredMs: number;
  readonly connection: FrameworkConnection;
}

/** For offers of a role: at least one of these sets has to be in it. None = anything will do. */
export interface OfferMinimum {
  readonly role: string;
  readonly anyOf: readonly Quantities[];
}

/** A removed framework, kept for the state documents and to refuse its id. Bounded, oldest out. */
export interface CompletedFrameworkRow extends Row {
  readonly id: FrameworkId;
  readonly info: string;
  /** The `seq` that it had as a framework: where its completed tasks are. */
  readonly frameworkSeq: number;
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

/** Whether an operator lets an agent be offered; its running tasks stay unless it is drained. */
export type AgentService =
  | { readonly state: "ACTIVE" }
  | { readonly state: "DEACTIVATED" }
  /** DRAINED: no task and no operation is left on it. */
  | {
      readonly state: "DRAINING" | "DRAINED";
      readonly config: DrainConfig;
      /** When it was asked for last. */
      readonly startedMs: number;
    };

export interface DrainConfig {
  /** Nanoseconds as decimal text: 64 bits. Absent: what each task's kill policy says. */
  readonly maxGracePeriodNs?: string;
  readonly markGone: boolean;
}

export interface AgentRow extends Row {
  readonly id: AgentId;
  /** What refusals name it by; another one when what is offered of it is no longer the same. */
  readonly number: number;
  /** AgentInfo as wire JSON but for id, host name and attributes; `agentInfo(row)` has all. */
  readonly info: string;
  /** An AgentInfo with nothing but attributes as wire JSON; absent: it has none. */
  readonly attributes?: string | undefined;
  readonly hostname: string;
  readonly ip: string;
  readonly port: number;
  readonly version: string;
  readonly capabilities: readonly mesos.AgentInfoCapabilityType[];
  /** What it has now: as it registered, with what offer operations made of it since. */
  readonly total: Resources;
  readonly relayId: RelayId;
  readonly sessionId: SessionId;
  readonly registeredMs: number;
  readonly reregisteredMs?: number | undefined;
  readonly connection: AgentConnection;
  readonly service: AgentService;
}

/** An agent that an operator declared gone: it may never come back. Bounded, oldest out. */
export interface GoneAgentRow extends Row {
  readonly id: AgentId;
  readonly goneMs: number;
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
  /** LAUNCHed with an executor of the framework's own, whose id may be the task's. */
  readonly hasOwnExecutor?: true;
  /** The group it was launched in (LAUNCH_GROUP): all tasks of it, which have the same `run`. */
  readonly group?: { readonly executorId: ExecutorId; readonly taskIds: readonly TaskId[] };
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

/** An executor that tasks run in: custom, or the built-in one of task groups. Not of a command. */
export interface ExecutorRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly id: ExecutorId;
  readonly agentId: AgentId;
  /** ExecutorInfo as wire JSON. */
  readonly info: string;
  /** The role its own resources are allocated to. */
  readonly role: string;
  readonly resources: Resources;
}

/** An offer operation that is not finished, or whose last status is not acknowledged. */
export interface OperationRow extends Row {
  readonly uuid: OperationUuid;
  /** Absent: an operator's. */
  readonly frameworkId?: FrameworkId;
  readonly agentId: AgentId;
  /** The framework's name of it; absent: it wants no feedback. */
  readonly operationId?: string;
  /** Offer.Operation as wire JSON. */
  readonly info: string;
  /** OperationStatus as wire JSON: the latest one. */
  readonly status: string;
  readonly state: mesos.OperationState;
  /** The status is sent again until it is acknowledged: when next, and how long after that. */
  readonly resend?: { readonly dueMs: number; readonly intervalMs: number };
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
  /** The FrameworkInfo is read from the framework's row when the command is sent. */
  | { readonly type: "UPDATE_FRAMEWORK"; readonly frameworkId: FrameworkId }
  /**
   * The agent did not name these runs when it registered: it answers for each one it does not have.
   */
  | { readonly type: "RECONCILE_TASKS"; readonly runs: readonly RunKey[] }
  /** The tasks of one LAUNCH_GROUP; their TaskInfos are read from the tasks' bodies. */
  | {
      readonly type: "RUN_TASK_GROUP";
      readonly frameworkId: FrameworkId;
      readonly executorId: ExecutorId;
      readonly taskIds: readonly TaskId[];
    }
  /** Once the agent has it on disk the operation is finished. */
  | { readonly type: "APPLY_OPERATION"; readonly uuid: OperationUuid }
  | { readonly type: "DRAIN"; readonly config: DrainConfig }
  /** The agent ends everything it runs, and itself. */
  | { readonly type: "SHUTDOWN"; readonly message: string }
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
 * What one call refused: until then the framework is not offered these (or fewer) resources of the
 * agents for the role.
 */
export interface FilterRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  /** Their numbers as a text, ascending: see `offer/refused.ts`. */
  readonly agents: string;
  /** What was refused, every amount once. */
  readonly refused: readonly Resources[];
  /** Which of `refused` it is of each agent in turn, as a text; absent: there is but one. */
  readonly which?: string;
  readonly cause: "DECLINED" | "LEFT_OVER" | "INVALID_ACCEPT" | "TIMED_OUT";
  readonly createdMs: number;
  readonly expiresAtMs: number;
  /**
   * True: nothing at all of the agents is offered until then (the framework declines faster than
   * once a second).
   */
  readonly blocksAll: boolean;
}

/** Something an operator set for a role. */
export interface RoleRow extends Row {
  readonly name: string;
  /** Absent = 1. */
  readonly weight?: number;
  /** Higher first, under the policy `priority`. Absent = 0. */
  readonly priority?: number;
  /** Of top-level roles only, per kind; absent = no quota. A kind without a limit has none. */
  readonly quota?: { readonly guarantees: Quantities; readonly limits: Quantities };
}

/** What one call of an operator changed; see `operator/audit.ts`. Bounded, oldest out. */
export interface AuditRow extends Row {
  readonly atMs: number;
  /** Absent: the caller did not say who it is. */
  readonly principal?: string;
  /** Name of the call's type. */
  readonly call: string;
  readonly changes: readonly AuditChange[];
  /** So many changes had no room. */
  readonly leftOut?: number;
}
/** Texts; absent `before` = there was none, absent `after` = there is none any more. */
export interface AuditChange {
  readonly subject: string;
  readonly field: string;
  readonly before?: string;
  readonly after?: string;
}

/** A machine in the maintenance schedule. */
export interface MachineRow extends Row {
  /** As the operator wrote them; at least one of the two is not empty. */
  readonly hostname: string;
  readonly ip: string;
  readonly mode: "DRAINING" | "DOWN";
  /** Machines with the same number share a window of the schedule. */
  readonly window: number;
  /** Nanoseconds as decimal text: 64 bits. No duration: for ever. */
  readonly startNs: string;
  readonly durationNs?: string;
}

/** An outstanding inverse offer (volatile). */
export interface InverseOfferRow extends Row {
  readonly id: OfferId;
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly createdMs: number;
}

/** What a framework said to an inverse offer last, and until when it is not asked again. */
export interface InverseAnswerRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly agentId: AgentId;
  readonly status: "ACCEPT" | "DECLINE";
  readonly answeredMs: number;
  /** When it is asked again; absent = this wait is over. */
  readonly askAgainMs?: number;
}

/** An open stream of operator events (volatile): when its next heartbeat is due. */
export interface SubscriberRow extends Row {
  readonly id: StreamId;
  readonly heartbeatDueMs: number;
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
  goneAgent: GoneAgentRow;
  offer: OfferRow;
  task: TaskRow;
  executor: ExecutorRow;
  operation: OperationRow;
  update: UpdateRow;
  command: CommandRow;
  filter: FilterRow;
  role: RoleRow;
  audit: AuditRow;
  machine: MachineRow;
  inverseOffer: InverseOfferRow;
  inverseAnswer: InverseAnswerRow;
  subscriber: SubscriberRow;
  relay: RelayRow;
  relayWatch: RelayWatchRow;
}
export type TableName = keyof Rows;

/** Texts kept on disk only, by number; read back on demand. */
export type ColdTableName =
  /** TaskInfo as wire JSON, by the task row's seq. */
  | "taskBody"
  /** Task (message) as wire JSON behind a number: see `task/completed.ts`. */
  | "completedTask";

/** A filter that does not outlive a restart and re-subscription is not worth a row. */
export const FILTER_DURABLE_MS = 10_000;

/** Whether a row is written to disk. */
export const durable: { readonly [T in TableName]: (row: Rows[T]) => boolean } = {
  cluster: () => true,
  counter: () => true,
  framework: () => true,
  completedFramework: () => true,
  stream: () => false,
  agent: () => true,
  goneAgent: () => true,
  offer: () => false,
  task: () => true,
  executor: () => true,
  operation: () => true,
  update: () => false,
  // A launch follows from its task's row: `launchCommands` makes it again.
  command: ({ command }) => command.type !== "RUN_TASK" && command.type !== "RUN_TASK_GROUP",
  filter: (row) => row.expiresAtMs - row.createdMs > FILTER_DURABLE_MS,
  role: () => true,
  audit: () => true,
  machine: () => true,
  inverseOffer: () => false,
  inverseAnswer: () => true,
  subscriber: () => false,
  relay: () => true,
  relayWatch: () => false,
};
