/**
 * What operators who subscribed are told, derived from the Changes of a turn: this is the only
 * place that knows when an event is due (http-semantics 8.3).
 *
 * 1. A reader that holds the events against the snapshot it began with knows every agent, framework
 * and task there is. 2. Of a task it knows the state that its framework was told last, as in Mesos,
 * where an agent says nothing more until that is acknowledged; an end, and what the master itself
 * says, it knows at once. 3. Without a subscriber nothing is done.
 */
import { isTerminal } from "../../protocol/task-state.ts";
import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import { defined } from "../../std/assert.ts";
import type { Change } from "../../std/table.ts";
import { HEARTBEAT_INTERVAL_MS } from "../constants.ts";
import { frameworkInfo } from "../framework/info.ts";
import type { AgentRow, FrameworkRow, SubscriberRow, TaskRow } from "../rows.ts";
import { taskKey } from "../tables.ts";
import { decodeStatus } from "../task/complete.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { stateToldTo } from "../task/status.ts";
import { type Turn, timestamp } from "../turn.ts";
import { agentMessage } from "./get-agents.ts";
import { frameworkFlags } from "./get-frameworks.ts";
import { getState } from "./get-state.ts";
import { offeredIn, usedBy } from "./holdings.ts";
import type { Snapshot } from "./snapshot.ts";
import { shownTask } from "./task-lists.ts";

/** Statuses with these reasons are news although the state is the same. */
const CHECK_REASONS: ReadonlySet<mesos.TaskStatusReason | undefined> = new Set([
  "REASON_TASK_CHECK_STATUS_UPDATED",
  "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
]);

/** The first event of a stream. */
export function subscribedEvent(snapshot: Snapshot): LongMessage<"mesos.v1.master.Event"> {
  const subscribed = longMessage("mesos.v1.master.Event.Subscribed", (of) => [
    of.message("get_state", getState(snapshot)),
    of.fields({ heartbeat_interval_seconds: HEARTBEAT_INTERVAL_MS / 1_000 }),
  ]);
  return longMessage("mesos.v1.master.Event", (of) => [
    of.fields({ type: "SUBSCRIBED" }),
    of.message("subscribed", subscribed),
  ]);
}

/** To be called when everything but the allocation is done: offers are no news to operators. */
export function publishEvents(turn: Turn): void {
  const { state } = turn;
  if (state.tables.subscriber.size === 0) return;
  const events = new Events(turn);
  for (const change of state.changes) events.follow(change);
  for (const event of events.inOrder()) turn.effects.push({ type: "PUBLISH", event });
  for (const { table, before, after } of state.changes) {
    if (table !== "subscriber" || before !== undefined || after === undefined) continue;
    // Whoever is new begins with the state after this turn, so what happened in it is no news.
    const { id: streamId } = after as SubscriberRow;
    turn.effects.push({ type: "SEND_SNAPSHOT", streamId });
    turn.effects.push({ type: "SEND_OPERATOR_EVENT", streamId, event: { type: "HEARTBEAT" } });
  }
}

class Events {
  readonly #turn: Turn;
  readonly #events: master.Event[] = [];
  /** Frameworks that this turn removes: their tasks end with them. */
  readonly #removed = new Map<string, FrameworkRow>();
  /** Agents are told last: their tasks come before them, as in Mesos. */
  readonly #agents = new Set<string>();

  constructor(turn: Turn) {
    this.#turn = turn;
    for (const { table, key, before, after } of turn.state.changes) {
      if (table !== "framework" || before === undefined || after !== undefined) continue;
      this.#removed.set(key, before as FrameworkRow);
    }
  }

  /** Rows of a table are of its type: `Table` records them under its own name. */
  follow({ table, before, after }: Change): void {
    if (table === "task") this.#task(before as TaskRow | undefined, after as TaskRow | undefined);
    else if (table === "framework") {
      this.#framework(before as FrameworkRow | undefined, after as FrameworkRow | undefined);
    } else if (table === "agent") {
      this.#agent(before as AgentRow | undefined, after as AgentRow | undefined);
    }
  }

  inOrder(): readonly master.Event[] {
    const { tables } = this.#turn.state;
    const agents = [...this.#agents].flatMap((id) => tables.agent.get(id) ?? []);
    return [...this.#events, ...agents.map((agent) => this.#agentAdded(agent))];
  }

  #task(before: TaskRow | undefined, after: TaskRow | undefined): void {
    if (after === undefined) return;
    const isBack = before?.state === "TASK_UNREACHABLE" && after.state !== before.state;
    if (before === undefined || (isBack && !isTerminal(after.state))) {
      this.#taskAdded(after);
      return;
    }
    const last = after.statuses.at(-1);
    const isTold = after.statusUuid !== before.statusUuid;
    const isMasters = last !== undefined && last !== before.statuses.at(-1) && !isTold;
    if (after.state !== before.state && isMasters) {
      this.#taskUpdated(after, decodeStatus(last), after.state);
    } else if (after.state !== before.state && isTerminal(after.state)) {
      // An end is told as soon as it is known, whatever the framework has yet to hear before.
      this.#taskUpdated(after, this.#endOf(after), after.state);
    } else if (isTold && !isTerminal(after.state)) {
      this.#delivered(before, after);
    }
  }

  /** A task's update has come to its framework: operators hear of it with the framework. */
  #delivered(before: TaskRow, after: TaskRow): void {
    const rows = this.#turn.state.index.updatesOfTask(taskKey(after.frameworkId, after.id));
    const text = rows.find((row) => row.uuid === after.statusUuid)?.status;
    const status = decodeStatus(defined(text ?? after.statuses.at(-1), "a told status is kept"));
    if (status.state === before.statusState && !CHECK_REASONS.has(status.reason)) return;
    this.#taskUpdated(after, status, status.state);
  }

  /** What the agent says of it; when it has only named the state, the update is on its way. */
  #endOf(task: TaskRow): mesos.TaskStatus {
    const rows = this.#turn.state.index.updatesOfTask(taskKey(task.frameworkId, task.id));
    const text = rows.find(({ state }) => state === task.state)?.status;
    if (text !== undefined && text !== "") return decodeStatus(text);
    return {
      task_id: { value: task.id },
      state: task.state,
      source: "SOURCE_MASTER",
      reason: "REASON_AGENT_REREGISTERED",
      agent_id: { value: task.agentId },
      timestamp: timestamp(this.#turn),
    };
  }

  #taskAdded(row: TaskRow): void {
    const { state } = this.#turn;
    const task = shownTask(state, this.#frameworkOf(row), row);
    this.#events.push({ type: "TASK_ADDED", task_added: { task } });
  }

  #taskUpdated(task: TaskRow, status: mesos.TaskStatus, state: mesos.TaskState): void {
    const framework = this.#frameworkOf(task);
    this.#events.push({
      type: "TASK_UPDATED",
      task_updated: {
        framework_id: { value: task.frameworkId },
        status: { ...status, state: stateToldTo(framework, status.state) },
        state: stateToldTo(framework, state),
      },
    });
  }

  #frameworkOf({ frameworkId }: TaskRow): FrameworkRow {
    const framework = this.#turn.state.tables.framework.get(frameworkId);
    return defined(framework ?? this.#removed.get(frameworkId), "a task has its framework");
  }

  #framework(before: FrameworkRow | undefined, after: FrameworkRow | undefined): void {
    if (after === undefined) {
      const removed = defined(before, "a change has a row before or after it");
      const framework_info = frameworkInfo(removed);
      this.#events.push({ type: "FRAMEWORK_REMOVED", framework_removed: { framework_info } });
    } else if (before === undefined) {
      const framework = frameworkMessage(after);
      this.#events.push({ type: "FRAMEWORK_ADDED", framework_added: { framework } });
    } else if (isNews(before, after)) {
      const framework = frameworkMessage(after);
      this.#events.push({ type: "FRAMEWORK_UPDATED", framework_updated: { framework } });
    }
  }

  #agent(before: AgentRow | undefined, after: AgentRow | undefined): void {
    if (after === undefined) {
      const id = defined(before, "a change has a row before or after it").id;
      this.#agents.delete(id);
      // Of an agent that is gone, as of one that is unreachable, operators learn through its tasks.
      if (this.#turn.state.tables.goneAgent.has(id)) return;
      this.#events.push({ type: "AGENT_REMOVED", agent_removed: { agent_id: { value: id } } });
    } else if (after.connection.state === "CONNECTED" && before?.connection.state !== "CONNECTED") {
      this.#agents.add(after.id);
    }
  }

  #agentAdded(agent: AgentRow): master.Event {
    const { index } = this.#turn.state;
    const used = usedBy([...index.tasksOfAgent(agent.id)], index.executorsOfAgent(agent.id));
    const offered = offeredIn(index.offersOfAgent(agent.id));
    const message = agentMessage(agent, { used, offered });
    return { type: "AGENT_ADDED", agent_added: { agent: message } };
  }
}

/** A mere disconnect is none. */
function isNews(before: FrameworkRow, after: FrameworkRow): boolean {
  if (before.info !== after.info || before.offerConstraints !== after.offerConstraints) return true;
  if (after.connection.state !== "CONNECTED") return false;
  const { connection } = before;
  return connection.state !== "CONNECTED" || connection.streamId !== after.connection.streamId;
}

function frameworkMessage(row: FrameworkRow): master.ResponseGetFrameworksFramework {
  return {
    framework_info: frameworkInfo(row),
    ...frameworkFlags(row),
    registered_time: nanoseconds(row.registeredMs),
    reregistered_time: nanoseconds(row.reregisteredMs),
    unregistered_time: nanoseconds(0),
  };
}
