/** Everything that can reach the agent. One Input is one `step`. */
import type { AgentId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type {
  ContainerId,
  ContainerTermination,
  Launched,
  RecoveredContainer,
} from "../containerizer/containerizer.ts";
import type { CheckKind, CheckResult } from "./check-result.ts";
import type { VolumeName } from "./rows.ts";

export type ShutdownReason =
  /** SIGTERM, SIGINT: tasks stay, the next agent process finds them. */
  | "SIGNAL"
  /** The parent process ended and the agent ends with it, its tasks too. */
  | "PARENT_ENDED"
  /** SIGUSR1: whoever runs the machine wants the tasks to end as well, and all to hear of it. */
  | "ASKED";

export type Input =
  /** First input of every life: one entry for each run that may have a container. */
  | { readonly type: "RECOVERED"; readonly containers: readonly RecoveredContainer[] }
  | { readonly type: "REGISTERED"; readonly agentId: AgentId }
  /** The master answered that this session is not the live one. */
  | { readonly type: "REGISTER_AGAIN" }
  /** The master refuses this agent for ever: an operator marked it gone. */
  | { readonly type: "GONE"; readonly message: string }
  /**
   * The answer to the newest poll. It holds every command that was not acknowledged, in the order
   * of their numbers: an answer that comes late or twice holds only numbers that were carried out.
   */
  | { readonly type: "COMMANDS"; readonly commands: readonly link.Command[] }
  | { readonly type: "REPORT_DONE"; readonly reportNumber: number }
  | { readonly type: "REPORT_FAILED"; readonly reportNumber: number }
  | { readonly type: "FETCHED"; readonly containerId: ContainerId }
  | ({ readonly type: "CONTAINER_STARTED"; readonly containerId: ContainerId } & Launched)
  /** Also when the fetch before it failed. */
  | {
      readonly type: "LAUNCH_FAILED";
      readonly containerId: ContainerId;
      readonly message: string;
    }
  | {
      readonly type: "CONTAINER_ENDED";
      readonly containerId: ContainerId;
      readonly termination: ContainerTermination;
    }
  /**
   * A custom executor has opened a stream, the `connection`-th of this life. `taskIds`: those that
   * it got and has heard no acknowledgement of; `updates`: likewise.
   */
  | {
      readonly type: "EXECUTOR_SUBSCRIBED";
      readonly containerId: ContainerId;
      readonly connection: number;
      readonly taskIds: readonly string[];
      readonly updates: readonly mesos.TaskStatus[];
    }
  | {
      readonly type: "EXECUTOR_DISCONNECTED";
      readonly containerId: ContainerId;
      readonly connection: number;
    }
  /** The status has a uuid. */
  | {
      readonly type: "EXECUTOR_UPDATE";
      readonly containerId: ContainerId;
      readonly status: mesos.TaskStatus;
    }
  | {
      readonly type: "EXECUTOR_MESSAGE";
      readonly containerId: ContainerId;
      readonly data: Uint8Array;
    }
  /** What a CHECK came to; one that was cancelled is not told. */
  | {
      readonly type: "CHECK_DONE";
      readonly containerId: ContainerId;
      readonly kind: CheckKind;
      readonly result: CheckResult;
    }
  /** The volume's directory is not there any more. */
  | { readonly type: "VOLUME_REMOVED"; readonly volume: VolumeName }
  /** A due time has come (or may have come: a wake-up too early does nothing). */
  | { readonly type: "TIMER_DUE" }
  | { readonly type: "SHUTDOWN"; readonly reason: ShutdownReason };

export type ContainerInput = Extract<
  Input,
  { readonly type: "FETCHED" | "CONTAINER_STARTED" | "LAUNCH_FAILED" | "CONTAINER_ENDED" }
>;

export type ExecutorInput = Extract<Input, { readonly type: `EXECUTOR_${string}` }>;

export interface StampedInput {
  /** For all that is due: ms since 1970 by a clock that nobody sets. */
  readonly nowMs: number;
  /** For all that is told: ms since 1970 by the machine's clock as it is set now. */
  readonly wallMs: number;
  /** Seeds this step's randomness. 32 bits. */
  readonly seed: number;
  readonly input: Input;
}
