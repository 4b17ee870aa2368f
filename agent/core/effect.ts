/**
 * Things to do outside, in this order, after the step's Changes are on disk.
 * Each says why losing it (a crash between the checkpoint and the effect) is harmless.
 */
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as executor from "../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { ContainerId, ResourceLimits } from "../containerizer/containerizer.ts";
import type { CheckKind } from "./check-result.ts";
import type { VolumeName } from "./rows.ts";

export type ExitReason =
  | { readonly type: "SIGNAL" }
  | { readonly type: "PARENT_ENDED" }
  | { readonly type: "ASKED" }
  /** The master said SHUTDOWN: the agent was removed or marked gone. */
  | { readonly type: "MASTER_SHUTDOWN"; readonly message: string };

/** A container to be, and whose. */
export interface Launch {
  readonly containerId: ContainerId;
  readonly task: mesos.TaskInfo;
  readonly framework: mesos.FrameworkInfo;
  /** Of a task of a group: it runs in a folder of this executor's sandbox. */
  readonly executor?: {
    readonly containerId: ContainerId;
    readonly info: mesos.ExecutorInfo;
  };
  /** Set: `task` stands for a custom executor, which is started as a command task would be. */
  readonly custom?: CustomExecutor;
}

/** What a custom executor is told in its environment. */
export interface CustomExecutor {
  readonly shutdownGraceMs: number;
  readonly reregistrationMs: number;
}

export type Effect =
  /**
   * Makes the sandbox afresh, fetches the task's URIs into it, and its image. Lost: the run is
   * FETCHING, and recovery does it again.
   */
  | ({ readonly type: "FETCH" } & Launch)
  /** Lost: the fetch ended with the process. */
  | { readonly type: "CANCEL_FETCH"; readonly containerId: ContainerId }
  /**
   * Lost: the run is LAUNCHING with no trace of a container, so recovery reports it as never
   * launched.
   */
  | ({ readonly type: "LAUNCH" } & Launch)
  /** SIGTERM to every process of the container. Lost: recovery sends it again. */
  | { readonly type: "TERMINATE"; readonly containerId: ContainerId }
  /** SIGKILL to every process of the container. Lost: recovery does it again. */
  | { readonly type: "DESTROY"; readonly containerId: ContainerId }
  /**
   * Makes the task's check or health check once. `pid`: a process of the container's. Lost:
   * recovery begins again.
   */
  | ({ readonly type: "CHECK"; readonly kind: CheckKind; readonly pid?: number } & Launch)
  /** Lost: it ended with the process. */
  | {
      readonly type: "CANCEL_CHECK";
      readonly containerId: ContainerId;
      readonly kind: CheckKind;
    }
  /** Lost: recovery sets them anew. */
  | {
      readonly type: "UPDATE_LIMITS";
      readonly containerId: ContainerId;
      readonly limits: ResourceLimits;
    }
  /** To a custom executor, on this stream of its. Lost: it subscribes again, and is told again. */
  | {
      readonly type: "EXECUTOR_EVENT";
      readonly containerId: ContainerId;
      readonly connection: number;
      readonly event: executor.Event;
    }
  /** Lost: the stream ended with the process. */
  | {
      readonly type: "CLOSE_EXECUTOR_STREAM";
      readonly containerId: ContainerId;
      readonly connection: number;
    }
  /**
   * The end is in our books: the containerizer may forget it. Lost: its own recovery sweeps what
   * nobody asks for.
   */
  | { readonly type: "REMOVE"; readonly containerId: ContainerId }
  /** Makes the directory of a persistent volume. Lost: its first task makes it. */
  | { readonly type: "MAKE_VOLUME"; readonly volume: VolumeName }
  /**
   * Takes the directory of a persistent volume away, and whatever is in it. Lost: its row is still
   * there, and recovery does it again.
   */
  | { readonly type: "REMOVE_VOLUME"; readonly volume: VolumeName }
  /**
   * Register until it succeeds, with `registerRequest(state)` made afresh for each attempt. Lost:
   * the next start does it.
   */
  | { readonly type: "REGISTER" }
  /** Poll (from now on) with this number. Lost: the next start registers and polls. */
  | { readonly type: "POLL"; readonly acknowledgedCommand: bigint }
  /** Lost: updates and exits are rows and are reported again after the next registration. */
  | {
      readonly type: "REPORT";
      readonly reportNumber: number;
      readonly updates: readonly link.StatusUpdate[];
      readonly executorExits: readonly link.ExecutorExit[];
      /** Best effort, as in Mesos: those of a report that is lost are lost. */
      readonly executorMessages: readonly link.ExecutorMessage[];
    }
  /** Lost: the caller's request runs into its time limit, and may be repeated. */
  | { readonly type: "CALL"; readonly callId: string; readonly call: link.CommandCall }
  /**
   * A TIMER_DUE input is wanted then; replaces the one before. Lost: made again by the first step.
   */
  | { readonly type: "SET_TIMER"; readonly dueMs: number }
  /** The agent process ends. Lost: it has ended. */
  | { readonly type: "EXIT"; readonly reason: ExitReason };
