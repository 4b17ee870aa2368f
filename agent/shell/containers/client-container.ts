/** One container that a client launched, as the agent remembers it. */
import type { Socket } from "node:net";
import type { ContainerId, ContainerTermination } from "../../containerizer/containerizer.ts";
import type { ContainerChain } from "./chain.ts";
import type { PipedOutput } from "./output.ts";

/** Its streams, while the agent holds their other ends: of a session. */
export interface SessionPipes {
  readonly stdin: Socket;
  readonly output: PipedOutput;
  /** Nobody will write or read any more. Idempotent. */
  close(): void;
}

export interface ClientContainer {
  readonly chain: ContainerChain;
  readonly id: ContainerId;
  readonly sandboxDirectory: string;
  readonly hasTerminal: boolean;
  /** The container whose namespaces and limits it shares; undefined: it has its own. */
  readonly inside: ContainerId | undefined;
  /** For containers in it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user: string | undefined;
  /** Undefined: it writes into its sandbox. */
  readonly pipes: SessionPipes | undefined;
  /** Resolves when it has ended and nothing of it is left. */
  readonly ended: Promise<ContainerTermination>;
  termination: ContainerTermination | undefined;
}

export type ContainerCallError =
  /** No such container, or none any more. */
  | { readonly code: "CONTAINER_NOT_FOUND"; readonly chain: ContainerChain }
  | { readonly code: "PARENT_NOT_FOUND"; readonly chain: ContainerChain }
  | { readonly code: "PARENT_NOT_RUNNING"; readonly chain: ContainerChain }
  | { readonly code: "CONTAINER_NOT_RUNNING"; readonly chain: ContainerChain }
  | { readonly code: "CONTAINER_STILL_RUNS"; readonly chain: ContainerChain }
  /** A task's or an executor's: the agent itself removes it. */
  | { readonly code: "CONTAINER_OF_TASK"; readonly chain: ContainerChain }
  | { readonly code: "RESOURCES_MISSING"; readonly chain: ContainerChain }
  | { readonly code: "SIGNAL_UNKNOWN"; readonly signal: number }
  | { readonly code: "INPUT_TAKEN"; readonly chain: ContainerChain }
  | { readonly code: "NO_INPUT"; readonly chain: ContainerChain }
  | { readonly code: "NO_TERMINAL"; readonly chain: ContainerChain }
  | { readonly code: "INPUT_BROKEN"; readonly chain: ContainerChain; readonly errno: string }
  | { readonly code: "TOO_MANY_CONTAINERS"; readonly limit: number }
  /** `why`: a sentence. CLIENT: it cannot be launched as it was asked for. */
  | { readonly code: "LAUNCH_FAILED"; readonly why: string; readonly fault: "CLIENT" | "AGENT" };
