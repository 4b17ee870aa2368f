/**
 * What an agent does now and then beside its tasks: removes old sandboxes and images, keeps logs
 * within their bounds. A failure is logged and the next time comes.
 */
import { executorContainer } from "../../core/completed.ts";
import type { RunRow } from "../../core/rows.ts";
import type { AgentState } from "../../core/state.ts";
import { errnoOf } from "../errno.ts";
import type { Log } from "../log.ts";
import { sandboxPath, taskSandboxPath } from "../sandbox.ts";
import type { ImageCollector } from "./image-collector.ts";
import { type LogRotationOptions, rotateLogs } from "./log-rotation.ts";
import type { SandboxCollector } from "./sandbox-collector.ts";

export interface UpkeepOptions {
  readonly workDirectory: string;
  /** Only read here. */
  readonly state: AgentState;
  readonly collector: SandboxCollector;
  /** Undefined: images stay. */
  readonly images?: ImageCollector | undefined;
  /** How often the disk is looked at, ms. */
  readonly diskWatchMs: number;
  /** Undefined: logs grow as they like. */
  readonly rotation: Omit<LogRotationOptions, "log"> | undefined;
  readonly log: Log;
}

/** How often logs are looked at, ms. */
const LOG_WATCH_MS = 10_000;

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly collector: SandboxCollector;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.collector = options.collector;
  }

  /** Never keeps the process. */
  start(): void {
    const { diskWatchMs, rotation, images } = this.#options;
    const { collector } = this;
    void this.#guarded(() => collector.scan().then(() => collector.collect()));
    this.#every(diskWatchMs, () => collector.collect());
    if (images !== undefined) this.#every(images.everyMs, () => images.collect());
    if (rotation !== undefined) this.#every(LOG_WATCH_MS, () => this.rotateAll());
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Looks at the logs of every task that lives. */
  async rotateAll(): Promise<void> {
    const { state, rotation, log } = this.#options;
    if (rotation === undefined) return;
    const sandboxes = new Set<string>();
    for (const run of state.run.values()) {
      if (run.stage.state !== "ENDED") sandboxes.add(this.#sandboxOf(run));
    }
    for (const sandbox of sandboxes) await rotateLogs(sandbox, { ...rotation, log });
  }

  /** Where the run's own output goes. */
  #sandboxOf(run: RunRow): string {
    const { agentId, frameworkId, executorId, containerId, parentId, entrustedBy } = run;
    const place = { agentId, frameworkId, executorId, containerId: executorContainer(run) };
    const outer = sandboxPath(this.#options.workDirectory, place);
    const isOwn = parentId === undefined || entrustedBy !== undefined;
    return isOwn ? outer : taskSandboxPath(outer, containerId);
  }

  /** The next time begins after this one has ended. */
  #every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      void this.#guarded(work).finally(() => {
        busy = false;
      });
    }, ms);
    this.#timers.push(timer.unref());
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      this.#options.log(`upkeep failed, and is tried again: ${errnoOf(cause)}`);
    }
  }
}
