/**
 * What became of the containers of an agent process that died: Docker knows of those that it was
 * told to start, and the record says whether it was.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { unreachable } from "../../../worker/std/assert.ts";
import {
  type ContainerId,
  type ContainerTermination,
  describeLaunchError,
  type RecoveredContainer,
} from "../containerizer.ts";
import type { DockerContainer } from "./docker-container.ts";
import { launchedAs } from "./docker-launch.ts";
import { type EngineCalls, isStatus } from "./engine-calls.ts";
import type { Execs } from "./execs.ts";
import type { Inspected } from "./inspected.ts";
import { terminationOf } from "./inspected.ts";
import type { DockerRecords } from "./records.ts";

/** A start that the dead agent asked for may still be on its way. */
const START_TRIES = 10;
const START_PAUSE_MS = 50;

export interface RecoveryTools {
  readonly calls: EngineCalls;
  readonly records: DockerRecords;
  readonly execs: Execs;
  /** Takes a container over that has run, or does. */
  readonly adopt: (id: ContainerId, sandbox: string, found: Inspected) => DockerContainer;
}

export class DockerRecovery {
  readonly #tools: RecoveryTools;

  constructor(tools: RecoveryTools) {
    this.#tools = tools;
  }

  /** Rejects when Docker does not answer: nothing is known then. */
  async one(id: ContainerId): Promise<RecoveredContainer> {
    const { records, execs } = this.#tools;
    const record = records.read(id);
    if (record === undefined) {
      return endedAs(id, {
        kind: "LOST",
        message: `There is no record of it in ${records.directory}`,
      });
    }
    const { stage, sandboxDirectory } = record;
    switch (stage.state) {
      case "CREATING":
        return endedAs(id, notStarted("The agent ended before it started the container"));
      case "INSIDE": {
        await execs.endStray(id);
        const message = "The agent that followed this command ended, and the command with it";
        return endedAs(id, { kind: "LOST", message });
      }
      case "ENDED":
        return endedAs(id, stage.termination);
      case "STARTING":
      case "STARTED":
        return this.#find(id, stage.dockerId, sandboxDirectory);
      default:
        return unreachable(stage);
    }
  }

  async #find(id: ContainerId, dockerId: string, sandbox: string): Promise<RecoveredContainer> {
    const found = await this.#settled(dockerId);
    if (found === undefined) {
      const message = "Somebody removed the container from Docker while no agent ran";
      return endedAs(id, { kind: "LOST", message });
    }
    if (found.status === "CREATED") {
      return endedAs(id, terminationOf(found, { destroyed: false }));
    }
    const container = this.#tools.adopt(id, sandbox, found);
    if (found.status === "RUNNING") {
      return { containerId: id, state: "RUNNING", ...launchedAs(found) };
    }
    return endedAs(id, await container.ended);
  }

  /**
   * As it is once nothing is on its way any more. One that was not started in this time is taken
   * away, which Docker refuses if it runs after all.
   */
  async #settled(dockerId: string): Promise<Inspected | undefined> {
    const { calls } = this.#tools;
    for (let tries = 0; ; tries++) {
      const found = await calls.inspect(dockerId);
      if (!found.ok) throw new Error(describeLaunchError(found.error));
      if (found.value?.status !== "CREATED" || found.value.error !== "") return found.value;
      if (tries >= START_TRIES) {
        const removed = await calls.remove(dockerId, { force: false });
        if (removed.ok) return found.value;
        if (!isStatus(removed, 409)) throw new Error(describeLaunchError(removed.error));
      }
      await sleep(START_PAUSE_MS);
    }
  }
}

function notStarted(message: string): ContainerTermination {
  return { kind: "NOT_STARTED", message };
}

function endedAs(id: ContainerId, termination: ContainerTermination): RecoveredContainer {
  return { containerId: id, state: "ENDED", termination };
}
