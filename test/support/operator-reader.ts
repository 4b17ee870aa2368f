/**
 * What an operator knows who reads nothing but the stream of events: the state it began with, and
 * what it was told since. Held against the master's tables it must agree with them after every
 * turn.
 */
import type { Effect } from "../../worker/core/effect.ts";
import { subscribedEvent } from "../../worker/core/operator/events.ts";
import { takeSnapshot } from "../../worker/core/operator/snapshot.ts";
import type { MasterState } from "../../worker/core/state.ts";
import { taskKey } from "../../worker/core/tables.ts";
import { stateToldTo } from "../../worker/core/task/status.ts";
import { ANSWER_JSON } from "../../worker/protocol/limits.ts";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as master from "../../worker/protocol/v1/master.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeJsonWithin } from "../../worker/protocol/wire/json.ts";
import { jsonPieces } from "../../worker/protocol/wire/long-message.ts";
import { assert, defined } from "../../worker/std/assert.ts";

export class OperatorReader {
  readonly #agents = new Set<string>();
  readonly #frameworks = new Set<string>();
  readonly #tasks = new Map<string, mesos.TaskState>();
  /** Tasks of which nothing was told since the state it began with. */
  readonly #begunWith = new Set<string>();
  readonly #streamId: string;
  #hasBegun = false;
  /** The first event that says what cannot be. */
  #problem: string | undefined;

  constructor(streamId: string) {
    this.#streamId = streamId;
  }

  /** `state`: as the turn left it that the effects are of. */
  follow(effects: readonly Effect[], state: MasterState): void {
    for (const effect of effects) {
      if (effect.type === "SEND_SNAPSHOT" && effect.streamId === this.#streamId) {
        this.#begin(state);
      } else if (effect.type === "PUBLISH" && this.#hasBegun) {
        this.#told(effect.event);
      }
    }
  }

  /** Where the reader and the tables disagree. */
  disagreement({ tables }: MasterState): string | undefined {
    if (!this.#hasBegun || this.#problem !== undefined) return this.#problem;
    for (const { id, connection } of tables.agent.values()) {
      if (connection.state === "CONNECTED" && !this.#agents.has(id)) {
        return `operators do not know agent ${id}`;
      }
    }
    const unknown = [...this.#frameworks].find((id) => !tables.framework.has(id));
    if (unknown !== undefined) return `operators believe in framework ${unknown}`;
    for (const framework of tables.framework.values()) {
      if (!this.#frameworks.has(framework.id)) return `operators do not know ${framework.id}`;
    }
    for (const task of tables.task.values()) {
      const framework = defined(tables.framework.get(task.frameworkId), "a task has a framework");
      const key = taskKey(task.frameworkId, task.id);
      const known = this.#tasks.get(key);
      const unaware = stateToldTo({ ...framework, capabilities: [] }, task.state);
      // Its framework may have become aware of partitions since, or ceased to be.
      if (known === task.state || known === unaware) continue;
      // What is under way is known as its framework was told of it, or as it was in the beginning,
      // which may be ahead of that; an end is known at once.
      const isUnderWay = !isTerminal(task.state) && task.state !== "TASK_UNREACHABLE";
      const isOld = known === task.statusState || this.#begunWith.has(key);
      if (isUnderWay && isOld && known !== undefined && !isTerminal(known)) continue;
      return `operators believe task ${task.id} is ${known}, not ${task.state}`;
    }
    const alive = [...this.#tasks].find(
      ([key, state]) => !isTerminal(state) && !tables.task.has(key),
    );
    return alive && `operators believe task ${alive[0]} is ${alive[1]}`;
  }

  #begin(state: MasterState): void {
    const snapshot = takeSnapshot(state);
    const text = [...jsonPieces(subscribedEvent(snapshot))].join("");
    snapshot.cold.close();
    const event = decodeJsonWithin("mesos.v1.master.Event", text, ANSWER_JSON);
    assert(event.ok, "an event decodes");
    const known = defined(event.value.subscribed?.get_state, "the stream begins with the state");
    for (const { agent_info } of known.get_agents?.agents ?? []) this.#agent(agent_info);
    for (const { framework_info } of known.get_frameworks?.frameworks ?? []) {
      this.#frameworks.add(framework_info.id?.value ?? "");
    }
    const { tasks = [], unreachable_tasks = [] } = known.get_tasks ?? {};
    for (const task of [...tasks, ...unreachable_tasks]) this.#task(task);
    for (const key of this.#tasks.keys()) this.#begunWith.add(key);
    this.#hasBegun = true;
  }

  #told(event: master.Event): void {
    const { task_added, task_updated, agent_added, agent_removed } = event;
    const { framework_added, framework_updated, framework_removed } = event;
    if (task_added !== undefined) this.#task(task_added.task);
    if (task_updated !== undefined) {
      const key = taskKey(task_updated.framework_id.value, task_updated.status.task_id.value);
      if (!this.#tasks.has(key)) this.#problem ??= `TASK_UPDATED of ${key}, which nobody added`;
      this.#tasks.set(key, task_updated.state);
      this.#begunWith.delete(key);
    }
    if (agent_added !== undefined) this.#agent(agent_added.agent.agent_info);
    if (agent_removed !== undefined) this.#agents.delete(agent_removed.agent_id.value);
    if (framework_added !== undefined) {
      this.#frameworks.add(framework_added.framework.framework_info.id?.value ?? "");
    }
    if (framework_updated !== undefined) {
      const id = framework_updated.framework.framework_info.id?.value ?? "";
      if (!this.#frameworks.has(id)) this.#problem ??= `FRAMEWORK_UPDATED of unknown ${id}`;
    }
    if (framework_removed !== undefined) {
      this.#frameworks.delete(framework_removed.framework_info.id?.value ?? "");
    }
  }

  #agent(info: mesos.AgentInfo): void {
    this.#agents.add(info.id?.value ?? "");
  }

  #task(task: mesos.Task): void {
    this.#tasks.set(taskKey(task.framework_id.value, task.task_id.value), task.state);
  }
}
