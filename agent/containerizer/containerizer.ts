/**
 * The contract of a containerizer: it starts, watches and ends containers, and knows nothing of
 * offers, frameworks or the master. Types and sentences only: no Node type, so that the agent's
 * pure core may import it. The entries are listed in `index.ts`; every entry runs
 * `test/agent/containerizer`.
 *
 * Life of a container:
 *
 *   launch ──▶ running ──(its command ends, or destroy)──▶ ended ──remove──▶ forgotten
 *
 * 1. A container outlives the agent process. `recover` re-attaches it; its end is never lost.
 * 2. How it ended stays on disk until `remove`. Call `remove` once that is safe in your own books.
 * 3. `wait` resolves when the command has ended *and* everything that it left behind is killed.
 */
import type {
  CapabilityInfoCapability,
  ResourceStatistics,
} from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { Brand } from "../../worker/std/brand.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { type DockerError, describeDockerError } from "./docker/errors.ts";
import type { DockerSpec } from "./docker/spec.ts";
import type { Isolator } from "./isolators.ts";

/** Names one run of a container: also a file name and a cgroup's name, so made by `containerId`. */
export type ContainerId = Brand<string, "ContainerId">;

const CONTAINER_ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** 1 to 128 letters, digits, `_`, `-` and `.`, not starting with `.` or `-`; a UUID fits. */
export function containerId(
  text: string,
): Result<ContainerId, { code: "CONTAINER_ID_MALFORMED"; text: string }> {
  // The one place that makes the brand.
  return CONTAINER_ID.test(text)
    ? ok(text as ContainerId)
    : err({ code: "CONTAINER_ID_MALFORMED", text });
}

/**
 * What to run. `shell: true`: `/bin/sh -c value`. `shell: false`: the file `value`, found through
 * the container's own PATH, with `arguments` as its whole argv, the name at [0] included.
 */
export type ContainerCommand =
  | { readonly shell: true; readonly value: string }
  | { readonly shell: false; readonly value: string; readonly arguments: readonly string[] };

/** Bounds of one container. An absent bound is no bound. Containerizers enforce what they can:
 * `process` enforces none of them, `cgroups` all. */
export interface ResourceLimits {
  /** Share when processors are contended: thousandths of a processor, ≥ 1. */
  readonly cpusRequest: number;
  /** Hard cap on processor time: thousandths of a processor, ≥ 10. */
  readonly cpusLimit?: number;
  /** It asked for none, also where the operator caps what says nothing. */
  readonly isCpusUncapped?: true;
  /** Hard cap on memory, swap included: bytes. Above it the container ends as LIMITED. */
  readonly memoryLimitBytes?: number;
  /**
   * Memory that it is to keep when the machine runs short of it: bytes. Where the limit is higher
   * (or absent), the container is among the first to be ended for lack of memory.
   */
  readonly memoryRequestBytes?: number;
  /** Most processes and threads at one time; beyond it fork fails inside the container. */
  readonly pidsLimit?: number;
  /**
   * Disk space of its sandbox: bytes. Where the operator wants it enforced, the container ends as
   * LIMITED above it.
   */
  readonly diskLimitBytes?: number;
}

export type CapabilityName = Exclude<CapabilityInfoCapability, "UNKNOWN">;

/**
 * Rights of root (capabilities(7)). Absent: what the operator allows; for others than root, none.
 */
export interface CapabilitySets {
  /** What its processes begin with. */
  readonly effective?: readonly CapabilityName[];
  /** What they can ever have. */
  readonly bounding?: readonly CapabilityName[];
}

/** One limit of setrlimit(2), in its units; `amounts` absent: no limit. */
export interface ProcessLimit {
  /** As prlimit(1) calls it, like "nofile". */
  readonly name: string;
  readonly amounts?: { readonly soft: bigint; readonly hard: bigint };
}

/** A folder or file that appears in the container. */
export interface VolumeMount {
  /** Absolute and existing on the machine, or relative: beneath the sandbox, and made there. */
  readonly containerPath: string;
  readonly readOnly: boolean;
  /**
   * HOST, AGENT: an absolute path; AGENT is in the agent's own folder (a persistent volume).
   * SANDBOX, GROUP: a path beneath the container's sandbox or its group's, made as a folder.
   */
  readonly source: { readonly kind: "HOST" | "AGENT" | "SANDBOX" | "GROUP"; readonly path: string };
}

/** Containers that share a sandbox, /tmp and, unless they ask for their own, shared memory. */
export interface ContainerGroup {
  readonly id: ContainerId;
  /** Absolute and existing; the containers' own sandboxes are in it. */
  readonly sandboxDirectory: string;
}

/** Open file descriptors that the command gets as its own; whoever opened them closes them. */
export interface StandardStreams {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

/** Of a terminal, in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** An image of the OCI's or Docker's format. */
export interface ImageSpec {
  /** `[registry/]path[:tag][@digest]`, as Docker reads it. */
  readonly name: string;
  /** False: what is stored is only used when its registry says that it is still the same. */
  readonly cached: boolean;
  /** Registry credentials that the task brought: JSON as `docker login` writes it. */
  readonly credentials?: string;
}

/** A file system that takes the machine's place in a container. */
export interface RootFileSystem {
  /** Absolute, the container's own: where all of it is mounted, and what it changes. */
  readonly folder: string;
  /** Absolute: folders and links as the machine has them where its programs are, all empty. */
  readonly toolbox: string;
  /** The uppermost first. Empty: of the container that this one is inside of. */
  readonly layers: readonly ImageLayer[];
  /** Absolute, as the container sees it. */
  readonly workingDirectory: string;
  /** As whom the command runs; absent: as the agent. */
  readonly account?: {
    readonly userId: number;
    readonly groupId: number;
    readonly supplementaryGroupIds: readonly number[];
  };
}

export interface ImageLayer {
  /** Absolute: the layer's files, as overlayfs wants them; nobody changes them. */
  readonly path: string;
  /** Its folders, from its top, that hide what is below them. */
  readonly opaque: readonly string[];
}

export interface ContainerSpec {
  readonly containerId: ContainerId;
  /**
   * A running container in whose namespaces and limits this one lives; its own `limits` bound
   * nothing then. It ends at the latest with that one.
   */
  readonly inside?: ContainerId;
  readonly command: ContainerCommand;
  /** The whole environment: nothing of the agent's own is added but `RIMROCK_CONTAINER_ID`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Account to run as; absent: the agent's. Needs an agent that runs as root. */
  readonly user?: string;
  /** Absolute and existing: the working directory, and where `stdout` and `stderr` are appended. */
  readonly sandboxDirectory: string;
  readonly limits: ResourceLimits;
  readonly group?: ContainerGroup;
  /** Of its own; absent: the machine's. */
  readonly hostname?: string;
  readonly volumes?: readonly VolumeMount[];
  /** Folders beneath the agent's own that it sees at their own paths: its persistent volumes. */
  readonly agentFolders?: readonly { readonly path: string; readonly readOnly: boolean }[];
  readonly capabilities?: CapabilitySets;
  readonly processLimits?: readonly ProcessLimit[];
  /** Which system calls it may make; absent: what the operator's own profile says. */
  readonly seccomp?:
    | { readonly kind: "PROFILE"; readonly name: string }
    | { readonly kind: "UNCONFINED" };
  /** It sees the processes of the machine, or in a group those of the others that say so. */
  readonly sharesProcesses?: boolean;
  /**
   * SHARED: shared memory and message queues are the machine's, or its group's. Absent: PRIVATE, in
   * a group SHARED.
   */
  readonly sharedMemory?:
    | { readonly mode: "PRIVATE"; readonly bytes?: number }
    | { readonly mode: "SHARED" };
  /** Whole NVIDIA GPUs for it alone. */
  readonly gpus?: number;
  /** Its file system is this image's, not the machine's. */
  readonly image?: ImageSpec;
  /** Made of `image` by `images/`, which sets it; nobody else does. */
  readonly root?: RootFileSystem;
  /** Instead of no input, and of output into the sandbox's files. */
  readonly streams?: StandardStreams;
  /** The command gets a terminal of this size; all of its output is on stdout then. */
  readonly terminal?: TerminalSize;
  /**
   * A Docker container, whose sandbox is in it and is not the working directory. Of a command
   * without shell, value (unless it is empty) and arguments go to the image's entrypoint; `user`
   * owns the sandbox, and the image says as whom the command runs.
   */
  readonly docker?: DockerSpec;
}

/** What the agent's own books say of a container that should be running. */
export interface ContainerRecord {
  readonly containerId: ContainerId;
}

export interface Launched {
  /**
   * Of the process that leads the container's process tree and outlives its command; of a Docker
   * container the command's own, 0 if it has ended by now.
   */
  readonly pid: number;
  /** Its own addresses; absent or empty: it has those of the machine. */
  readonly ipAddresses?: readonly string[];
  /** What the framework is told besides, as `data`: of a Docker container its `docker inspect`. */
  readonly data?: Uint8Array;
}

/** RUNNING: re-attached. ENDED: `wait` has the answer, at once. */
export type RecoveredContainer =
  | ({ readonly containerId: ContainerId; readonly state: "RUNNING" } & Launched)
  | {
      readonly containerId: ContainerId;
      readonly state: "ENDED";
      readonly termination: ContainerTermination;
    };

export interface Recovery {
  /** One entry per known record, in the same order. */
  readonly containers: readonly RecoveredContainer[];
  /** Containers of an earlier agent that nobody asked for: destroyed and removed. */
  readonly orphans: readonly ContainerId[];
}

/** What it used more of than it may. */
export type LimitReason = "MEMORY" | "DISK";

/** How a container ended. `waitStatus` is wait(2)'s raw number: `code << 8`, or the signal. */
export type ContainerTermination =
  /**
   * The command ended by itself. 127: it was not found, 126: it could not be executed; stderr has
   * more.
   */
  | { readonly kind: "EXITED"; readonly code: number; readonly waitStatus: number }
  /** A signal ended it. `signal` like "SIGTERM". */
  | { readonly kind: "SIGNALED"; readonly signal: string; readonly waitStatus: number }
  /** It was ended for going beyond a limit. No `waitStatus`: the command's own end was not seen. */
  | {
      readonly kind: "LIMITED";
      readonly reason: LimitReason;
      readonly message: string;
      readonly waitStatus?: number;
    }
  /** The command never ran: it could not be confined, or its supervisor died before. */
  | { readonly kind: "NOT_STARTED"; readonly message: string }
  /** Nobody can know how it ended; whatever was left of it has been killed. */
  | { readonly kind: "LOST"; readonly message: string };

/** A file operation that failed; `value` is what was to be written. */
export interface FileError {
  readonly code: "FILE_FAILED";
  readonly operation: string;
  readonly path: string;
  readonly value?: string;
  /** Like "EACCES". */
  readonly errno: string;
}

export type LaunchError =
  | FileError
  | DockerError
  | ContainerNotRunning
  /** `why` is a sentence without its full stop. */
  | { readonly code: "IMAGE_FAILED"; readonly image: string; readonly why: string }
  /** `why` is a sentence without its full stop. */
  | { readonly code: "VOLUME_REFUSED"; readonly containerPath: string; readonly why: string }
  /** `what` was asked for and is not to be had here; `why` is a sentence without its full stop. */
  | { readonly code: "NOT_SUPPORTED"; readonly what: string; readonly why: string }
  | { readonly code: "CONTAINER_EXISTS"; readonly containerId: ContainerId }
  | { readonly code: "COMMAND_INVALID"; readonly why: string }
  | { readonly code: "SANDBOX_UNUSABLE"; readonly path: string; readonly errno: string }
  | { readonly code: "USER_UNKNOWN"; readonly user: string; readonly path: string }
  | { readonly code: "USER_SWITCH_FORBIDDEN"; readonly user: string }
  | { readonly code: "SPAWN_FAILED"; readonly path: string; readonly errno: string };

export type ContainerNotRunning = {
  readonly code: "CONTAINER_NOT_RUNNING";
  readonly containerId: ContainerId;
};
export type UpdateError = FileError | DockerError | ContainerNotRunning;
export type UsageError = FileError | DockerError | ContainerNotRunning;
export type KillError =
  | ContainerNotRunning
  | { readonly code: "SIGNAL_UNKNOWN"; readonly signal: string };
/** NO_TERMINAL: none was asked for, or nothing in the container holds it open any more. */
export type ResizeError =
  | ContainerNotRunning
  | { readonly code: "NO_TERMINAL"; readonly containerId: ContainerId };

export interface Containerizer {
  /**
   * Runs once, before any launch: finds the containers that outlived the last agent process.
   * Rejects when its records cannot be read: nothing is known then, and no task may be called lost
   * for it.
   * */
  recover(known: readonly ContainerRecord[]): Promise<Recovery>;
  /** Resolves when the container's process exists. After an error nothing of it is left. */
  launch(spec: ContainerSpec): Promise<Result<Launched, LaunchError>>;
  /** Sets all limits anew, while it runs. */
  update(id: ContainerId, limits: ResourceLimits): Promise<Result<void, UpdateError>>;
  usage(id: ContainerId): Promise<Result<ResourceStatistics, UsageError>>;
  /** Resolves exactly once, however the container ended; any number of callers, also after the end.
   * An unknown or removed container is LOST. */
  wait(id: ContainerId): Promise<ContainerTermination>;
  /**
   * Sends `signal` (like "SIGTERM") to every process of the container, and to none of those that
   * are inside it.
   */
  kill(id: ContainerId, signal: string): Promise<Result<void, KillError>>;
  /** Tells the programs at the container's terminal its new size. */
  resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>>;
  /** SIGKILLs every process of the container and waits until it has ended. Idempotent. */
  destroy(id: ContainerId): Promise<void>;
  /** Destroys it if need be, and deletes what is remembered of it. Idempotent. */
  remove(id: ContainerId): Promise<void>;
  /** Ends what waits to become a container. Containers go on. Absent: there is nothing to end. */
  close?(): void;
}

export interface DockerOptions {
  readonly socketPath: string;
  /** Registry credentials: a path, or its JSON itself; absent: those of Docker's own files. */
  readonly config?: string;
  /** Whether tasks may take the isolation of their container away. */
  readonly allowPrivileged: boolean;
  /** Whether versions are used out of which a container can escape. */
  readonly allowVulnerable: boolean;
  /** Longest time in which nothing arrives of an image that is pulled. */
  readonly pullStallMs: number;
}

export interface GpuDevice {
  /** The number in its device file's name. */
  readonly minor: number;
  /** Like "GPU-5c2a…"; absent: the driver does not tell. */
  readonly uuid?: string;
  /** Device files that its programs open, by their names in /dev. */
  readonly files: readonly { readonly name: string; readonly path: string }[];
}

/** Who has which GPU; each is one container's at a time. */
export interface GpuOwners {
  take(id: ContainerId, count: number): Result<readonly GpuDevice[], LaunchError>;
  /** What an earlier agent process gave it. */
  recover(id: ContainerId): void;
  release(id: ContainerId): void;
}

/** How disk space is watched that sandboxes use. */
export interface DiskOptions {
  readonly everyMs: number;
  /** A container that uses more than its limit is ended. */
  readonly isEnforced: boolean;
}

/** Ids of this machine that stand for a container's own, from 0 on. */
export interface UserRange {
  readonly from: number;
  readonly count: number;
}

/** Profiles of system calls, each a file of the folder. */
export interface SeccompOptions {
  /** Absolute. */
  readonly configDirectory: string;
  /** Of containers that say nothing; absent: all calls. */
  readonly defaultProfile?: string;
}

/** DOCKER: the Engine; MESOS: the agent itself. */
export type ImagePuller = "DOCKER" | "MESOS";

export interface ContainerizerOptions {
  /** Absolute; made if missing. Holds how containers started and ended; must survive the agent. */
  readonly runtimeDirectory: string;
  /**
   * Name of the cgroup above all containers, like "rimrock". Agents on one machine may share it.
   */
  readonly cgroupRoot: string;
  /** The agent's own folder, absolute: containers see nothing of it but what is theirs. */
  readonly hiddenDirectory?: string;
  /** Absent: everything that this machine can do. */
  readonly isolation?: ReadonlySet<Isolator>;
  /** Rights of root that containers may have; absent: what is harmless to the machine. */
  readonly allowedCapabilities?: readonly CapabilityName[];
  /** Of containers' users, where `isolation` names namespaces/user. */
  readonly users?: UserRange;
  /** Absent: there are no profiles. */
  readonly seccomp?: SeccompOptions;
  /** Absent: every 15 seconds where `isolation` names disk/du, and not enforced. */
  readonly disk?: DiskOptions;
  /** For containers that ask for some; absent: none. */
  readonly gpus?: readonly GpuDevice[];
  /** Who has which of them, where several containerizers share them; absent: each has them all. */
  readonly gpuPool?: GpuOwners;
  readonly docker?: DockerOptions;
  /** Told of every image that was pulled, and by whom; absent: nobody counts. */
  readonly imagePulled?: (by: ImagePuller, tookMs: number) => void;
  /** Takes a line for the agent's log; absent: nobody listens. */
  readonly log?: (line: string) => void;
}

/** One entry of the table. */
export interface ContainerizerModule {
  /** One line for `--help`. */
  readonly summary: string;
  /** Whether it can work on this machine; `why` is one sentence that says what is missing. */
  check(options: ContainerizerOptions): Promise<Result<void, { readonly why: string }>>;
  create(options: ContainerizerOptions): Containerizer;
}

/** The sentence for the task's status message. */
export function describeLaunchError(
  error: LaunchError | UpdateError | KillError | ResizeError,
): string {
  switch (error.code) {
    case "FILE_FAILED": {
      const written = error.value === undefined ? "" : ` '${error.value}'`;
      return `Failed to ${error.operation}${written} ${error.path}: ${error.errno}`;
    }
    case "CONTAINER_EXISTS":
      return `Container ${error.containerId} exists already`;
    case "CONTAINER_NOT_RUNNING":
      return `Container ${error.containerId} is not running`;
    case "NO_TERMINAL":
      return `Container ${error.containerId} has no terminal; launch it with tty_info`;
    case "SIGNAL_UNKNOWN":
      return `No signal '${error.signal}'; name it like SIGTERM`;
    case "COMMAND_INVALID":
      return `The command cannot be run: ${error.why}`;
    case "IMAGE_FAILED":
      return `The image '${error.image}' cannot be used: ${error.why}`;
    case "VOLUME_REFUSED":
      return `The volume at '${error.containerPath}' cannot be mounted: ${error.why}`;
    case "NOT_SUPPORTED":
      return `This agent cannot give the container ${error.what}: ${error.why}`;
    case "SANDBOX_UNUSABLE":
      return `Failed to write to the sandbox ${error.path}: ${error.errno}`;
    case "USER_UNKNOWN":
      return `No user '${error.user}' in ${error.path}; create it on the agent or name another one`;
    case "USER_SWITCH_FORBIDDEN":
      return `Only an agent that runs as root can run a task as '${error.user}'`;
    case "SPAWN_FAILED":
      return `Failed to start ${error.path}: ${error.errno}`;
    default:
      return describeDockerError(error);
  }
}

/** The sentence for the task's status message, in Mesos' words where Mesos has some. */
export function describeTermination(termination: ContainerTermination): string {
  switch (termination.kind) {
    case "EXITED":
      return `Command exited with status ${termination.code}`;
    case "SIGNALED":
      return `Command terminated with signal ${termination.signal}`;
    case "LIMITED":
    case "NOT_STARTED":
    case "LOST":
      return termination.message;
    default:
      return unreachable(termination);
  }
}
