/**
 * The rows of the agent's tables. Plain JSON values: the checkpoint writes them as they are.
 *
 * 1. A run that is not ENDED holds resources, and its container may exist. 2. A run is ENDED
 * exactly when its terminal update has been made; it leaves when that update is acknowledged. 3. An
 * update row lives from the moment it is made until it is acknowledged.
 */
import type { AgentId, ExecutorId, FrameworkId, TaskId } from "../../worker/protocol/ids.ts";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { Change, Row } from "../../worker/std/table.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";

/** The agent itself: one row. */
export interface AgentRow extends Row {
  readonly id: AgentId;
  /** Highest command number carried out: decimal text of 64 bits. */
  readonly lastCommand: string;
}

export interface FrameworkRow extends Row {
  readonly id: FrameworkId;
  /** FrameworkInfo as wire JSON. */
  readonly info: string;
  readonly capabilities: readonly mesos.FrameworkInfoCapabilityType[];
}

export type KillCause =
  /** The framework (or an operator) asked for it: KILL_TASK, SHUTDOWN_EXECUTOR. */
  | "KILLED"
  | "MAX_COMPLETION_TIME"
  /** Its health check failed too often. */
  | "UNHEALTHY"
  /** The framework is gone: nobody wants to hear how the task ended. */
  | "FRAMEWORK_SHUTDOWN"
  /** The master told the agent to end. */
  | "AGENT_SHUTDOWN"
  /** The process that started the agent ended, and the agent was told to end with it. */
  | "PARENT_ENDED";

interface Started {
  readonly startedMs: number;
}

export type RunStage =
  /** Its URIs are being fetched: there is a sandbox and no container yet. */
  | { readonly state: "FETCHING" }
  /** Handed to the containerizer, whose answer is awaited. */
  | { readonly state: "LAUNCHING" }
  /** As LAUNCHING, but to be destroyed as soon as it is there. */
  | { readonly state: "LAUNCH_CANCELLED"; readonly cause: KillCause }
  | ({ readonly state: "RUNNING" } & Started)
  /** SIGTERM was sent at `termMs`; SIGKILL follows at `graceEndsMs`. */
  | ({
      readonly state: "KILLING";
      readonly cause: KillCause;
      readonly termMs: number;
      readonly graceEndsMs: number;
    } & Started)
  /** SIGKILL was sent. */
  | ({ readonly state: "DESTROYING"; readonly cause: KillCause } & Started)
  /** Its custom executor has yet to be given it. */
  | { readonly state: "QUEUED" }
  /**
   * With its custom executor, which says what becomes of it; `kill`: what it was asked, and has to
   * be asked again when it subscribes anew.
   */
  | { readonly state: "ENTRUSTED"; readonly kill?: AskedKill }
  | { readonly state: "ENDED"; readonly endedMs: number };

export interface AskedKill {
  readonly cause: KillCause;
  /** Absent: nobody said; the task's own kill policy holds. */
  readonly graceMs?: number;
}

/** Names one run. The tasks that one command launched share its number. */
export interface RunKey {
  readonly taskId: TaskId;
  readonly runNumber: string;
}

export function isOfRun(row: RunKey, key: RunKey): boolean {
  return row.runNumber === key.runNumber && row.taskId === key.taskId;
}

export interface RunRow extends Row {
  readonly containerId: ContainerId;
  /** The agent's id when it was launched: run numbers and the sandbox's path belong to that id. */
  readonly agentId: AgentId;
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  /** A command task's executor has the task's id. */
  readonly executorId: ExecutorId;
  /** Container of the executor that the tasks of a group share; absent: a command task. */
  readonly parentId?: ContainerId;
  /**
   * The event by which its custom executor gets it. Such a run has no container of its own: its
   * `containerId` is but a name.
   */
  readonly entrustedBy?: "LAUNCH" | "LAUNCH_GROUP";
  /** What its framework was told last of its health check; absent: nothing. */
  readonly healthy?: boolean;
  /** How its check stands: CheckStatusInfo as wire JSON; absent: it has none that we make. */
  readonly checkStatus?: string;
  /** Of updates that its custom executor has sent, base64: the newest, oldest first. */
  readonly receivedUuids?: readonly string[];
  /** TaskInfo as wire JSON. */
  readonly info: string;
  /**
   * Number of the command that launched it, which with the task's id names the run towards the
   * master: decimal text.
   */
  readonly runNumber: string;
  readonly stage: RunStage;
  /** Leader of the container's process tree; absent before it has started. */
  readonly pid?: number;
  /** Of its container's own; absent: it has the machine's. */
  readonly ipAddresses?: readonly string[];
  /** The newest TaskStatus made, as wire JSON; absent before the first. */
  readonly status?: string;
  /** The statuses before that one, oldest first; absent: there are none. */
  readonly earlierStatuses?: readonly string[];
}

/** An update that waits for its acknowledgement, and lets no later one of its run pass. */
export type PendingUpdate = Pick<UpdateRow, "state" | "uuid">;

/** An unacknowledged status update. */
export interface UpdateRow extends Row {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  /** The run it is about; there may be no such run here. Decimal text. */
  readonly runNumber: string;
  /** base64 */
  readonly uuid: string;
  readonly state: mesos.TaskState;
  /** TaskStatus as wire JSON. */
  readonly status: string;
}

/**
 * A run that is over; its sandbox is still there, and the row that it had is kept as a file (the
 * shell's history). Bounded, oldest out.
 */
export interface CompletedRunRow extends Row {
  readonly containerId: ContainerId;
  /** As its run had it. */
  readonly parentId?: ContainerId;
  /** Nobody was left to acknowledge its end. */
  readonly isUnacknowledged?: true;
  /** The oldest update that was not acknowledged, if there was one. */
  readonly pending?: PendingUpdate;
  readonly agentId: AgentId;
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly executorId: ExecutorId;
  readonly runNumber: string;
  readonly endedMs: number;
}

/** Why a custom executor is ended, if it does not end by itself. */
export type ExecutorEndCause =
  /** Its framework wants it, or it has nothing to do. */
  | "ASKED"
  | "REGISTRATION_TIMEOUT"
  | "REREGISTRATION_TIMEOUT"
  | Extract<KillCause, "FRAMEWORK_SHUTDOWN" | "AGENT_SHUTDOWN" | "PARENT_ENDED">;

/** How far the process of a custom executor is. */
export type ExecutorProcess =
  /** Nothing was done for it: it is started as soon as a task needs it. */
  | { readonly state: "NEW" }
  | { readonly state: "FETCHING" }
  | { readonly state: "LAUNCHING" }
  /** As LAUNCHING, but to be destroyed as soon as it is there. */
  | { readonly state: "LAUNCH_CANCELLED"; readonly cause: ExecutorEndCause }
  /** It has to subscribe before `registerByMs`. */
  | { readonly state: "REGISTERING"; readonly registerByMs: number }
  /** It has subscribed; whether its stream is open is not on disk. `isTried`: it got a task. */
  | { readonly state: "SUBSCRIBED"; readonly isTried: boolean }
  /** It was told to end; SIGKILL follows at `destroyAtMs`. */
  | {
      readonly state: "TERMINATING";
      readonly cause: ExecutorEndCause;
      readonly destroyAtMs: number;
    }
  /** SIGKILL was sent. */
  | { readonly state: "DESTROYING"; readonly cause: ExecutorEndCause };

/** An executor of task groups, or a custom one. */
export interface ExecutorRow extends Row {
  readonly containerId: ContainerId;
  /** The agent's id when it came to be: it is in the sandbox's path. */
  readonly agentId: AgentId;
  readonly frameworkId: FrameworkId;
  readonly executorId: ExecutorId;
  /** ExecutorInfo as wire JSON. */
  readonly info: string;
  /** EXITED: the master has yet to be told. */
  readonly stage: "RUNNING" | "EXITED";
  /** Absent: the built-in executor, which the agent is itself. */
  readonly process?: ExecutorProcess;
  /** Leader of its process tree; absent before it has started. */
  readonly pid?: number;
  /** wait(2)'s raw number; absent: 0. */
  readonly exitStatus?: number;
  /** Its framework is gone: only its container is left to end, and nobody is told. */
  readonly isForsaken?: true;
}

/** What offer operations made of the agent's resources: one row, absent before the first. */
export interface ResourcesRow extends Row {
  /** The agent's whole total after the last operation: Resources as wire JSON. */
  readonly total: readonly string[];
}

/** Names a persistent volume on its agent. */
export interface VolumeName {
  readonly role: string;
  readonly persistenceId: string;
}

/** A destroyed volume whose directory may still be there. */
export interface VolumeRemovalRow extends Row, VolumeName {}

/** There while the agent drains: one row. */
export interface DrainRow extends Row {
  /** The agent is marked gone when it is empty: tasks say so to those who know. */
  readonly marksGone: boolean;
}

/**
 * Whether a Change has to survive the sudden end of the machine. Everything has to survive that of
 * the process; but with the machine its tasks end as well, and the master asks about those that the
 * agent does not name. What nobody else can know is how a task ended before, who the agent is, and
 * what was made of its resources or that it drains: there the command's acknowledgement says "on
 * disk".
 */
export function outlivesMachine({ table, before, after }: Change): boolean {
  if (table === "resources" || table === "volumeRemoval" || table === "drain") return true;
  if (table === "update") return after !== undefined && isTerminal((after as UpdateRow).state);
  if (table !== "agent") return false;
  return (before as AgentRow | undefined)?.id !== (after as AgentRow | undefined)?.id;
}

/** Every table by name. */
export interface Rows {
  agent: AgentRow;
  framework: FrameworkRow;
  run: RunRow;
  update: UpdateRow;
  completedRun: CompletedRunRow;
  resources: ResourcesRow;
  volumeRemoval: VolumeRemovalRow;
  drain: DrainRow;
  executor: ExecutorRow;
}
export type TableName = keyof Rows;
export type StoredRows = { readonly [T in TableName]: readonly Rows[T][] };

/** A role has no blank. */
export function volumeKey({ role, persistenceId }: VolumeName): string {
  return `${role} ${persistenceId}`;
}

export const keyOf: { readonly [T in TableName]: (row: Rows[T]) => string } = {
  agent: () => "agent",
  framework: (row) => row.id,
  run: (row) => row.containerId,
  update: (row) => row.uuid,
  completedRun: (row) => row.containerId,
  resources: () => "total",
  volumeRemoval: (row) => volumeKey(row),
  drain: () => "drain",
  executor: (row) => row.containerId,
};
export const tableNames: readonly TableName[] = [
  "agent",
  "framework",
  "run",
  "update",
  "completedRun",
  "resources",
  "volumeRemoval",
  "drain",
  "executor",
];
