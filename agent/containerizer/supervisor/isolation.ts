/**
 * What sets one supervised containerizer apart from another: how a container's processes are
 * confined, found and measured. Starting, watching and ending them is the same for all
 * (`supervised-containerizer.ts`).
 */
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import type { Result } from "../../../worker/std/result.ts";
import type { ContainerId, FileError, ResourceLimits } from "../containerizer.ts";
import type { StartedRecord } from "./records.ts";

/** A container as its isolation sees it. */
export interface Confined {
  readonly containerId: ContainerId;
  /** The shell that must survive whatever is done to the container; undefined: it is gone. */
  readonly supervisorPid: number | undefined;
  /** Undefined: the supervisor has not got that far, or never will. */
  readonly started: StartedRecord | undefined;
  /** True: this agent process started it or saw its supervisor alive, so that none of its ids can
   * have gone to somebody else since. */
  readonly vouched: boolean;
}

export interface Isolation {
  /** Makes what confines the container. Its value: the files to write 0 to in order to enter. */
  prepare(id: ContainerId, limits: ResourceLimits): Result<readonly string[], FileError>;
  update(id: ContainerId, limits: ResourceLimits): Result<void, FileError>;
  usage(container: Confined): Promise<Result<ResourceStatistics, FileError>>;
  /** Its live processes without the supervisor, descendants in other sessions included. */
  processes(container: Confined): Promise<readonly number[]>;
  /**
   * SIGKILLs what `processes` finds; a new process may have been forked meanwhile. True: none was
   * found.
   */
  killAll(container: Confined): Promise<boolean>;
  /** The sentence of the limit that ended it; undefined: none did. */
  limitation(id: ContainerId): string | undefined;
  /** Takes back what `prepare` made; succeeds when it is gone already. The container is empty. */
  release(id: ContainerId): Promise<void>;
}

/** Sends a signal; false when the process is gone (or not ours to signal). */
export function signalProcess(pid: number, signal: string): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
