/**
 * What the agent's own API looks at. It changes how much is logged, and runs the containers that
 * clients launch; tasks are the master's affair.
 */
import type { VersionFacts } from "../../worker/protocol/build-facts.ts";
import type { Config } from "../config.ts";
import type { ComposingContainerizer } from "../containerizer/composing.ts";
import type { Containerizer } from "../containerizer/containerizer.ts";
import type { Isolator } from "../containerizer/isolators.ts";
import type { AgentState } from "../core/state.ts";
import type { ClientContainers } from "../shell/containers/client-containers.ts";
import type { ContainerInputs } from "../shell/containers/container-input.ts";
import type { FetchCache } from "../shell/fetcher/cache.ts";
import type { FilesRoot } from "../shell/files.ts";
import type { History } from "../shell/history.ts";
import type { SandboxCollector } from "../shell/upkeep/sandbox-collector.ts";
import type { Counters } from "./counters.ts";
import type { Verbosity } from "./verbosity.ts";

export interface AgentView {
  /** Only read here. */
  readonly state: AgentState;
  readonly history: History;
  readonly containerizer: Containerizer & Pick<ComposingContainerizer, "pruneImages">;
  /** Those that clients launch; here alone the API does something. */
  readonly containers: ClientContainers;
  readonly inputs: ContainerInputs;
  readonly config: Config;
  /** What containers are isolated by on this machine, beside Docker's. */
  readonly isolators: readonly Isolator[];
  /** Where the API listens, which is what the agent advertises. */
  readonly port: number;
  readonly version: VersionFacts;
  readonly counters: Counters;
  /** Removes old sandboxes. */
  readonly collector: SandboxCollector;
  readonly fetchCache: FetchCache;
  readonly verbosity: Verbosity;
  readonly startedMs: number;
}

export function filesRoot({ state, config }: AgentView): FilesRoot {
  return { workDirectory: config.workDirectory, agentId: agentId(state) };
}

/** Undefined before the first registration. */
export function agentId(state: AgentState): string | undefined {
  return state.agent.get("agent")?.id;
}

/** `slave(1)@10.0.0.7:5051` */
export function agentPid({ state, port }: AgentView): string {
  return `slave(1)@${state.facts.ip}:${port}`;
}
