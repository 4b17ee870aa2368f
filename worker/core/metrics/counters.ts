/**
 * What happened since the object's start: read off every turn's input and outcome by the shell,
 * after the turn is durable. Volatile, as Mesos' counters are: a new life begins at 0, and so does
 * the uptime.
 *
 * Only what can be counted for certain is here. Subscriptions and registrations count as they come;
 * any other call counts when it was accepted, also if it then changed nothing.
 */

import { isTerminal } from "../../protocol/task-state.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { defined, unreachable } from "../../std/assert.ts";
import type { Input, StampedInput } from "../input.ts";
import type { Outcome } from "../master.ts";
import type { AgentRow, FrameworkRow, OfferRow, StreamRow, TaskRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { stateToldTo } from "../task/status.ts";

export interface Counters {
  readonly master: Map<string, number>;
  /** Per framework id; forgotten with the framework. */
  readonly frameworks: Map<string, Map<string, number>>;
}

export function createCounters(): Counters {
  const master = new Map<string, number>();
  for (const name of MASTER_COUNTERS) master.set(name, 0);
  return { master, frameworks: new Map() };
}

/** `state` is the state after the turn. */
export function countTurn(
  counters: Counters,
  state: MasterState,
  { input }: StampedInput,
  outcome: Outcome,
): void {
  const turn: CountedTurn = { counters, state, outcome, ...removedIn(outcome) };
  countInput(turn, input);
  countEvents(turn, input);
  for (const { table, before, after } of outcome.changes) {
    if (table === "agent") countAgent(counters, before as AgentRow, after as AgentRow);
    else if (table === "task") countTask(turn, before as TaskRow, after as TaskRow);
    else if (table === "offer" && before === undefined) {
      countFor(counters, (after as OfferRow).frameworkId, "offers/sent");
    }
  }
  for (const id of turn.removedFrameworks.keys()) counters.frameworks.delete(id);
}

interface CountedTurn {
  readonly counters: Counters;
  readonly state: MasterState;
  readonly outcome: Outcome;
  readonly removedFrameworks: ReadonlyMap<string, FrameworkRow>;
  readonly endedStreams: ReadonlyMap<string, StreamRow>;
}

function removedIn({ changes }: Outcome): Pick<CountedTurn, "removedFrameworks" | "endedStreams"> {
  const removedFrameworks = new Map<string, FrameworkRow>();
  const endedStreams = new Map<string, StreamRow>();
  for (const { table, key, before, after } of changes) {
    if (after !== undefined) continue;
    if (table === "framework") removedFrameworks.set(key, before as FrameworkRow);
    else if (table === "stream") endedStreams.set(key, before as StreamRow);
  }
  return { removedFrameworks, endedStreams };
}

/** The master's name for a call; undefined: it has none. */
const callCounters: { readonly [T in scheduler.CallType]: string | undefined } = {
  UNKNOWN: undefined,
  SUBSCRIBE: undefined,
  TEARDOWN: "messages_unregister_framework",
  ACCEPT: "messages_launch_tasks",
  DECLINE: "messages_decline_offers",
  ACCEPT_INVERSE_OFFERS: undefined,
  DECLINE_INVERSE_OFFERS: undefined,
  REVIVE: "messages_revive_offers",
  SUPPRESS: "messages_suppress_offers",
  KILL: "messages_kill_task",
  SHUTDOWN: undefined,
  ACKNOWLEDGE: "messages_status_update_acknowledgement",
  ACKNOWLEDGE_OPERATION_STATUS: "messages_operation_status_update_acknowledgement",
  RECONCILE: "messages_reconcile_tasks",
  RECONCILE_OPERATIONS: "messages_reconcile_operations",
  MESSAGE: "messages_framework_to_executor",
  REQUEST: "messages_resource_request",
  UPDATE_FRAMEWORK: undefined,
};

/** Shown from the start, at 0. */
const MASTER_COUNTERS: readonly string[] = [
  ...Object.values(callCounters).filter((name) => name !== undefined),
  "messages_register_framework",
  "messages_reregister_framework",
  "messages_register_slave",
  "messages_reregister_slave",
  "messages_status_update",
  "messages_executor_to_framework",
  "slave_registrations",
  "slave_reregistrations",
  "slave_removals",
  "slave_removals/reason_unhealthy",
  "slave_unreachable_completed",
  "tasks_finished",
  "tasks_failed",
  "tasks_killed",
  "tasks_lost",
  "tasks_error",
  "tasks_dropped",
  "tasks_gone",
  "tasks_gone_by_operator",
];

function countInput(turn: CountedTurn, input: Input): void {
  const { counters, outcome } = turn;
  const replied = (type: "ACCEPTED" | "REGISTERED"): boolean =>
    outcome.effects.some((effect) => effect.type === "REPLY" && effect.reply.type === type);
  switch (input.type) {
    case "SUBSCRIBE": {
      const known = input.call.subscribe?.framework_info.id !== undefined;
      count(counters, known ? "messages_reregister_framework" : "messages_register_framework");
      countFor(counters, frameworkOfStream(turn, input.streamId), "calls/subscribe");
      return;
    }
    case "SCHEDULER_CALL":
      if (replied("ACCEPTED")) countCall(turn, input.call);
      return;
    case "AGENT_REGISTER": {
      const known = input.request.agent_info.id !== undefined;
      count(counters, known ? "messages_reregister_slave" : "messages_register_slave");
      return;
    }
    case "RELAY_BATCH":
      for (const message of input.messages) {
        if (message.type !== "REPORT") continue;
        const { updates, executor_messages: messages } = message.report;
        count(counters, "messages_status_update", updates?.length ?? 0);
        count(counters, "messages_executor_to_framework", messages?.length ?? 0);
      }
      return;
    case "STREAM_CLOSED":
    case "OPERATOR_CALL":
    case "OPERATOR_SUBSCRIBE":
    case "RESTARTED":
    case "TIMER_DUE":
      return;
    default:
      unreachable(input);
  }
}

function countCall({ counters, outcome }: CountedTurn, call: scheduler.Call): void {
  const type = call.type ?? "UNKNOWN";
  const name = callCounters[type];
  if (name !== undefined) count(counters, name);
  const frameworkId = call.framework_id?.value;
  countFor(counters, frameworkId, `calls/${type.toLowerCase()}`);
  const named = new Set(
    (call.accept?.offer_ids ?? call.decline?.offer_ids ?? []).map(({ value }) => value),
  );
  const verb = type === "ACCEPT" ? "accepted" : "declined";
  for (const { table, key, before, after } of outcome.changes) {
    if (table !== "offer" || before === undefined || after !== undefined) continue;
    if (named.has(key)) countFor(counters, frameworkId, `offers/${verb}`);
  }
}

/**
 * What left on the frameworks' streams. Statuses that the master makes in answer to an ACCEPT are
 * refused tasks.
 */
function countEvents(turn: CountedTurn, input: Input): void {
  const { counters, outcome } = turn;
  const isAccept = input.type === "SCHEDULER_CALL" && input.call.type === "ACCEPT";
  for (const effect of outcome.effects) {
    if (effect.type !== "SEND_EVENT") continue;
    const frameworkId = frameworkOfStream(turn, effect.streamId);
    const type = effect.event.type ?? "UNKNOWN";
    countFor(counters, frameworkId, `events/${type.toLowerCase()}`);
    if (type === "RESCIND") countFor(counters, frameworkId, "offers/rescinded");
    const status = effect.event.update?.status;
    if (!isAccept || status?.source !== "SOURCE_MASTER") continue;
    countEnd(counters, frameworkId, status.state);
  }
}

/** Undefined: a refused subscription's stream is nobody's. */
function frameworkOfStream(
  { state, endedStreams }: CountedTurn,
  streamId: string,
): string | undefined {
  return (state.tables.stream.get(streamId) ?? endedStreams.get(streamId))?.frameworkId;
}

function countAgent(
  counters: Counters,
  before: AgentRow | undefined,
  after: AgentRow | undefined,
): void {
  if (before === undefined) count(counters, "slave_registrations");
  else if (after !== undefined && before.reregisteredMs !== after.reregisteredMs) {
    count(counters, "slave_reregistrations");
  }
  const isGone = (row: AgentRow | undefined): boolean => row?.connection.state === "UNREACHABLE";
  if (!isGone(after) || isGone(before)) return;
  count(counters, "slave_unreachable_completed");
  count(counters, "slave_removals");
  count(counters, "slave_removals/reason_unhealthy");
}

/**
 * A task's end counts when the master learns of it. A task that left in the middle ended with its
 * framework.
 */
function countTask(
  { counters, state, removedFrameworks }: CountedTurn,
  before: TaskRow | undefined,
  after: TaskRow | undefined,
): void {
  const { frameworkId } = defined(after ?? before, "a change has a row");
  const framework = defined(
    state.tables.framework.get(frameworkId) ?? removedFrameworks.get(frameworkId),
    "a task has its framework",
  );
  const hasEnded = (task: TaskRow): boolean => isTerminal(stateToldTo(framework, task.state));
  if (before !== undefined && hasEnded(before)) return;
  if (after !== undefined && !hasEnded(after)) return;
  const end = after === undefined ? "TASK_KILLED" : stateToldTo(framework, after.state);
  countEnd(counters, frameworkId, end);
}

function countEnd(counters: Counters, frameworkId: string | undefined, end: mesos.TaskState): void {
  count(counters, end.toLowerCase().replace("task_", "tasks_"));
  countFor(counters, frameworkId, `tasks/terminal/${end.toLowerCase()}`);
}

function count(counters: Counters, name: string, by = 1): void {
  counters.master.set(name, (counters.master.get(name) ?? 0) + by);
}

/** `calls/accept` also counts as `calls`, and so on. */
function countFor(counters: Counters, frameworkId: string | undefined, name: string): void {
  if (frameworkId === undefined) return;
  const own = counters.frameworks.get(frameworkId) ?? new Map<string, number>();
  counters.frameworks.set(frameworkId, own);
  own.set(name, (own.get(name) ?? 0) + 1);
  const [kind = ""] = name.split("/");
  if (kind === "calls" || kind === "events") own.set(kind, (own.get(kind) ?? 0) + 1);
}
