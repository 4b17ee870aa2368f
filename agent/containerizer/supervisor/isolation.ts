/**
 * What sets one supervised containerizer apart from another: how a container's processes are
 * confined, found and measured. Starting, watching and ending them is the same for all
 * (`supervised-containerizer.ts`).
 */
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import type { Result } from "../../../worker/std/result.ts";
import type {
  ContainerId,
  ContainerSpec,
  FileError,
  LaunchError,
  LimitReason,
  ResourceLimits,
  UserRange,
} from "../containerizer.ts";
import type { StartedRecord } from "./records.ts";
import type { Account } from "./users.ts";

/** Which container it is, and the one that it lives in. */
export interface Place {
  readonly containerId: ContainerId;
  readonly inside?: ContainerId | undefined;
  /** The group whose shared memory it has. */
  readonly groupId?: ContainerId | undefined;
}

/** A container as its isolation sees it. */
export interface Confined extends Place {
  /** The shell that must survive whatever is done to the container; undefined: it is gone. */
  readonly supervisorPid: number | undefined;
  /** Undefined: the supervisor has not got that far, or never will. */
  readonly started: StartedRecord | undefined;
  /** True: this agent process started it or saw its supervisor alive, so that none of its ids can
   * have gone to somebody else since. */
  readonly vouched: boolean;
}

/** How a container's command gets into what confines it. */
export interface Entry {
  /** Files to write 0 to in order to enter the cgroups. */
  readonly joinFiles: readonly string[];
  readonly space?: NewSpace | JoinedSpace;
  /** Options of setpriv(1), besides those that change the user. */
  readonly privileges?: readonly string[];
  /** Of what the container has on the machine; absent: the account that its command runs as. */
  readonly owner?: Account;
  /** The namespace with its users, as a path that the container sees. */
  readonly userNamespace?: string;
  /** The filter of system calls, as a path that the container sees. */
  readonly seccompFilter?: string;
  /** A call of prlimit(1) without the process: words without blanks or quotes in them. */
  readonly resourceLimits?: string;
  /** Of the kernel's choice when memory runs out: -1000 to 1000. */
  readonly oomScoreAdjust?: number;
}

/** Namespaces of its own. */
export interface NewSpace {
  readonly kind: "NEW";
  /**
   * The argv that a program is run by to be in them: unshare(1), with nsenter(1) before it where
   * one of them is its group's.
   */
  readonly enter: readonly string[];
  /** As in JoinedSpace. */
  readonly descriptors: readonly number[];
  /** A process id namespace is among them: it needs a first process. */
  readonly hasInit: boolean;
  /** Undefined: the file system and the host name stay as they are. */
  readonly setup: Setup | undefined;
}

export interface Setup {
  readonly mountProgram: string;
  readonly statProgram: string;
  /** Lines of fstab(5) that are the same for other containers of this kind; they come first. */
  readonly commonMounts: string;
  /** Lines of fstab(5): this container's own. */
  readonly mounts: string;
  /** Undefined: the machine's. */
  readonly hostname: string | undefined;
  /** Where relative paths of `mounts` begin. */
  readonly baseDirectory: string;
  /** The command's, as seen when all is mounted. */
  readonly directory: string;
  /** Its own users, and the file of its own that their namespace is found by; absent: none. */
  readonly users?: UserRange & { readonly file: string; readonly unshareProgram: string };
  /** Mounted paths that must be what they were when they were checked. */
  readonly expected: readonly { readonly path: string; readonly identity: string }[];
}

/** The namespaces of another container. */
export interface JoinedSpace {
  readonly kind: "JOINED";
  /** The argv that a program is run by to be in them: nsenter(1), which finds them on descriptors
   * 5, 6 and so on. */
  readonly enter: readonly string[];
  /** What the supervisor gets as these descriptors; closed when it has them. */
  readonly descriptors: readonly number[];
}

export interface Limitation {
  readonly reason: LimitReason;
  /** A sentence without its full stop. */
  readonly message: string;
}

export interface Preparation {
  readonly spec: ContainerSpec;
  /** The account that the command runs as; undefined: the agent's own. */
  readonly account: Account | undefined;
  /** The running container that it is to live in. */
  readonly outer: Confined | undefined;
  /** A running container of its group that has the group's shared memory. */
  readonly peer: Confined | undefined;
}

export interface Isolation {
  /** Makes what confines the container. After an error `release` takes back what there is. */
  prepare(preparation: Preparation): Result<Entry, LaunchError>;
  update(place: Place, limits: ResourceLimits): Result<void, FileError>;
  usage(container: Confined): Promise<Result<ResourceStatistics, FileError>>;
  /** Its live processes without the supervisor, descendants in other sessions included. */
  processes(container: Confined): Promise<readonly number[]>;
  /**
   * SIGKILLs what `processes` finds; a new process may have been forked meanwhile. True: none was
   * found.
   */
  killAll(container: Confined): Promise<boolean>;
  /** The limit that ended it; undefined: none did. */
  limitation(place: Place): Limitation | undefined;
  /** Takes up what an earlier agent process prepared, until `release`; it may have ended since. */
  recovered?(place: Place): void;
  /** Whom to tell of containers that went beyond a limit which the kernel does not hold. */
  tellLimits?(exceeded: (id: ContainerId, limitation: Limitation) => void): void;
  /** Takes back what `prepare` made; succeeds when it is gone already. The container is empty. */
  release(place: Place): Promise<void>;
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
