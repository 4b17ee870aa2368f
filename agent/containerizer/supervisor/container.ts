/** What the containerizer remembers of one container while it has not been removed. */
import { defined } from "../../../worker/std/assert.ts";
import type { ContainerId, ContainerTermination } from "../containerizer.ts";
import type { Confined, Limitation } from "./isolation.ts";
import type { Records, StartedRecord } from "./records.ts";

/** RUNNING → ENDING (its command has ended, the rest of it is being killed) → ENDED. */
export type ContainerState = "RUNNING" | "ENDING" | "ENDED";

export class Container implements Confined {
  readonly containerId: ContainerId;
  readonly vouched: boolean;
  readonly inside: ContainerId | undefined;
  readonly groupId: ContainerId | undefined;
  /** Resolves when the state becomes ENDED. */
  readonly ended: Promise<ContainerTermination>;
  state: ContainerState = "RUNNING";
  /** Somebody asked for its destruction, so its end is no one's limit. */
  destroying = false;
  /** Why it is being ended, when that is a limit that it went beyond. */
  limitation: Limitation | undefined;
  supervisorPid: number | undefined;
  readonly #records: Records;
  #started: StartedRecord | undefined;
  #resolve: ((termination: ContainerTermination) => void) | undefined;

  constructor(
    records: Records,
    fields: {
      readonly containerId: ContainerId;
      readonly vouched: boolean;
      readonly supervisorPid: number | undefined;
      readonly inside: ContainerId | undefined;
      readonly groupId: ContainerId | undefined;
    },
  ) {
    this.#records = records;
    this.containerId = fields.containerId;
    this.vouched = fields.vouched;
    this.inside = fields.inside;
    this.groupId = fields.groupId;
    this.supervisorPid = fields.supervisorPid;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Read from disk until it is complete: a launch does not wait for the supervisor to write it. */
  get started(): StartedRecord | undefined {
    if (this.#started?.commandPid === undefined) {
      const started = this.#records.started(this.containerId);
      this.#started = typeof started === "string" ? undefined : started;
    }
    return this.#started;
  }

  end(termination: ContainerTermination): void {
    this.state = "ENDED";
    this.supervisorPid = undefined;
    defined(this.#resolve, "the promise's executor ran in the constructor")(termination);
  }
}
