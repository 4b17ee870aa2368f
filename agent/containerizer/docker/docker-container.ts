/**
 * One Docker container as this agent process knows it. Its end is told once, to everybody who asks.
 *
 *   LAUNCHING ──▶ RUNNING ──▶ ENDING (output is brought in) ──▶ ENDED
 */
import type { ContainerId, ContainerTermination } from "../containerizer.ts";
import type { Limitation } from "../supervisor/isolation.ts";
import type { LogPump } from "./log-pump.ts";

export class DockerContainer {
  readonly containerId: ContainerId;
  readonly sandboxDirectory: string;
  state: "LAUNCHING" | "RUNNING" | "ENDING" | "ENDED" = "LAUNCHING";
  /** Empty before Docker has made it. */
  dockerId = "";
  pump: LogPump | undefined;
  /** The agent is ending it: how it ends is no fault of its own. */
  isDestroyed = false;
  /** What it is being ended for, if for going beyond a limit. */
  limitation: Limitation | undefined;
  /** Waits for the daemon to come back. */
  pendingSignal: string | undefined;
  stopSignal = "SIGTERM";
  /** Ends a launch that goes on. */
  readonly cancel = new AbortController();
  readonly ended: Promise<ContainerTermination>;
  #tell: (termination: ContainerTermination) => void = () => {};
  readonly launched: Promise<void>;
  #launchEnded: () => void = () => {};

  constructor(containerId: ContainerId, sandboxDirectory: string) {
    this.containerId = containerId;
    this.sandboxDirectory = sandboxDirectory;
    this.ended = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.launched = new Promise((resolve) => {
      this.#launchEnded = resolve;
    });
  }

  /** The launch is over, whatever came of it. */
  launchEnded(): void {
    this.#launchEnded();
  }

  end(termination: ContainerTermination): void {
    this.state = "ENDED";
    this.#tell(termination);
  }
}
