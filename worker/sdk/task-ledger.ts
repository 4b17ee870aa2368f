/**
 * The tasks that the framework believes to be alive, for reconciliation: what was launched through
 * this scheduler or heard of, until its terminal state. And which updates were handled already.
 *
 * Knows no calls: it says what to ask, the scheduler asks.
 */

import { isTerminal } from "../protocol/task-state.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import type * as wire from "../protocol/v1/scheduler.ts";

/** Handled updates that are remembered: an acknowledgement is lost at most once in a while. */
const HANDLED_MAX = 4_096;

export class TaskLedger {
  /** Task id → agent id, once known. */
  readonly #alive = new Map<string, string | undefined>();
  /** Asked about and not answered yet. */
  readonly #unanswered = new Set<string>();
  /** Update uuid (hex) → where it is; the oldest leave first. */
  readonly #updates = new Map<string, "DELIVERED" | "HANDLED">();

  /**
   * The operations of an ACCEPT are about to be sent: from now on their tasks may exist. Gives
   * their ids.
   */
  launched(operations: readonly mesos.OfferOperation[]): readonly string[] {
    const ids: string[] = [];
    for (const operation of operations) {
      const tasks = [
        ...(operation.launch?.task_infos ?? []),
        ...(operation.launch_group?.task_group.tasks ?? []),
      ];
      for (const task of tasks) {
        this.#alive.set(task.task_id.value, task.agent_id.value);
        ids.push(task.task_id.value);
      }
    }
    return ids;
  }

  /** An update came: it answers a question, and tells whether the task is alive. */
  heard(status: mesos.TaskStatus): void {
    const id = status.task_id.value;
    this.#unanswered.delete(id);
    if (isTerminal(status.state)) this.#alive.delete(id);
    else this.#alive.set(id, status.agent_id?.value ?? this.#alive.get(id));
  }

  /** Every living task is to be asked about, and nothing else. */
  askAll(): void {
    this.#unanswered.clear();
    this.ask(this.#alive.keys());
  }

  ask(taskIds: Iterable<string>): void {
    for (const id of taskIds) this.#unanswered.add(id);
  }

  /** What is still to be asked, in the order of launch. */
  unanswered(): readonly wire.CallReconcileTask[] {
    return [...this.#unanswered].map((id) => {
      const agentId = this.#alive.get(id);
      return { task_id: { value: id }, ...(agentId && { agent_id: { value: agentId } }) };
    });
  }

  /** "NEW": to be delivered. Otherwise it came before: waits for its handler, or was handled. */
  arrival(uuid: Uint8Array): "NEW" | "DELIVERED" | "HANDLED" {
    const key = hex(uuid);
    const before = this.#updates.get(key);
    if (before !== undefined) return before;
    this.#updates.set(key, "DELIVERED");
    for (const oldest of this.#updates.keys()) {
      if (this.#updates.size <= HANDLED_MAX) break;
      this.#updates.delete(oldest);
    }
    return "NEW";
  }

  /**
   * The queue of delivered updates is gone: what was in it must be delivered when it comes again.
   */
  forgetDelivered(): void {
    for (const [key, where] of this.#updates) {
      if (where === "DELIVERED") this.#updates.delete(key);
    }
  }

  handled(uuid: Uint8Array): void {
    this.#updates.set(hex(uuid), "HANDLED");
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
