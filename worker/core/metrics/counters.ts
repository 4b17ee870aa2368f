/**
 * What happened since the object's start: read off every turn's input and outcome by the shell,
 * after the turn is durable. Volatile, as Mesos' counters are: a new life begins at 0, and so does
 * the uptime.
 *
 * Only what can be counted for certain is here. Subscriptions and registrations count as they come;
 * any other call counts when it was accepted, also if it then changed nothing.
 */
import { unreachable } from "../../std/assert.ts";
import type { StampedInput } from "../input.ts";
import type { Outcome } from "../master.ts";
import type { OfferRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { countCall } from "./count-call.ts";
import {
  countAgent,
  countOperation,
  countRefusedOperation,
  countTask,
  countTaskEnd,
} from "./count-change.ts";
import { countReports } from "./count-report.ts";
import { type CountedTurn, countedTurn, frameworkOfStream } from "./counted-turn.ts";
import { count, countFor } from "./increments.ts";

export interface Counters {
  /** By their names below "master/". */
  readonly master: Map<string, number>;
  /** Per framework id, by their names below the framework's prefix. */
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
  stamped: StampedInput,
  outcome: Outcome,
): void {
  const turn = countedTurn(counters, state, stamped, outcome);
  countInput(turn);
  countEvents(turn);
  countChanges(turn);
}

function countInput(turn: CountedTurn): void {
  const { counters, input } = turn;
  switch (input.type) {
    case "SUBSCRIBE": {
      const known = input.call.subscribe?.framework_info.id !== undefined;
      count(counters, known ? "messages_reregister_framework" : "messages_register_framework");
      countFor(counters, frameworkOfStream(turn, input.streamId), "calls/subscribe");
      return;
    }
    case "SCHEDULER_CALL":
      countCall(turn, input.call);
      return;
    case "AGENT_REGISTER": {
      const known = input.request.agent_info.id !== undefined;
      count(counters, known ? "messages_reregister_slave" : "messages_register_slave");
      return;
    }
    case "RELAY_BATCH":
      countReports(turn, input.messages);
      return;
    case "STREAM_CLOSED":
    case "OPERATOR_CALL":
    case "OWN_CALL":
    case "OPERATOR_SUBSCRIBE":
    case "RESTARTED":
    case "TIMER_DUE":
      return;
    default:
      unreachable(input);
  }
}

/**
 * What left on the frameworks' streams. Statuses that the master makes in answer to an ACCEPT are
 * of refused tasks and operations.
 */
function countEvents(turn: CountedTurn): void {
  const { counters, input, outcome } = turn;
  const isAccept = input.type === "SCHEDULER_CALL" && input.call.type === "ACCEPT";
  for (const effect of outcome.effects) {
    if (effect.type !== "SEND_EVENT") continue;
    const frameworkId = frameworkOfStream(turn, effect.streamId);
    const type = effect.event.type ?? "UNKNOWN";
    countFor(counters, frameworkId, `events/${type.toLowerCase()}`);
    if (type === "RESCIND") countFor(counters, frameworkId, "offers/rescinded");
    if (!isAccept) continue;
    const status = effect.event.update?.status;
    if (status?.source === "SOURCE_MASTER") {
      countTaskEnd(counters, frameworkId, status.state, status);
    }
    const refused = effect.event.update_operation_status?.status;
    if (refused !== undefined) countRefusedOperation(counters, input.call, refused);
  }
}

function countChanges(turn: CountedTurn): void {
  const { counters, outcome } = turn;
  for (const change of outcome.changes) {
    if (change.table === "agent") countAgent(counters, change);
    else if (change.table === "task") countTask(turn, change);
    else if (change.table === "operation") countOperation(turn, change);
    else if (change.table === "offer") countOffer(counters, change);
    // A completed framework's counters are shown for as long as the framework is.
    else if (change.table === "completedFramework" && change.after === undefined) {
      counters.frameworks.delete(change.key);
    }
  }
}

function countOffer(counters: Counters, change: Outcome["changes"][number]): void {
  if (change.before !== undefined) return;
  // The rows of the table `offer`.
  const { frameworkId } = change.after as OfferRow;
  countFor(counters, frameworkId, "offers/sent");
}

/**
 * Shown from the start, at 0. Those that stand for something that cannot happen here stay there:
 * messages of drivers that do not speak HTTP, a rate limit of removals, a cache of answers.
 */
const MASTER_COUNTERS: readonly string[] = [
  "dropped_messages",
  "http_cache_hits",
  "invalid_executor_to_framework_messages",
  "invalid_framework_to_executor_messages",
  "invalid_operation_status_update_acknowledgements",
  "invalid_operation_status_updates",
  "invalid_status_update_acknowledgements",
  "invalid_status_updates",
  "messages_authenticate",
  "messages_deactivate_framework",
  "messages_decline_offers",
  "messages_executor_to_framework",
  "messages_exited_executor",
  "messages_framework_to_executor",
  "messages_kill_task",
  "messages_launch_tasks",
  "messages_operation_status_update",
  "messages_operation_status_update_acknowledgement",
  "messages_reconcile_operations",
  "messages_reconcile_tasks",
  "messages_register_framework",
  "messages_register_slave",
  "messages_reregister_framework",
  "messages_reregister_slave",
  "messages_resource_request",
  "messages_revive_offers",
  "messages_status_update",
  "messages_status_update_acknowledgement",
  "messages_suppress_offers",
  "messages_unregister_framework",
  "messages_unregister_slave",
  "messages_update_slave",
  "recovery_slave_removals",
  "slave_registrations",
  "slave_removals",
  "slave_removals/reason_registered",
  "slave_removals/reason_unhealthy",
  "slave_removals/reason_unregistered",
  "slave_reregistrations",
  "slave_shutdowns_canceled",
  "slave_shutdowns_completed",
  "slave_shutdowns_scheduled",
  "slave_unreachable_canceled",
  "slave_unreachable_completed",
  "slave_unreachable_scheduled",
  "tasks_dropped",
  "tasks_error",
  "tasks_failed",
  "tasks_finished",
  "tasks_gone",
  "tasks_gone_by_operator",
  "tasks_killed",
  "tasks_lost",
  "valid_executor_to_framework_messages",
  "valid_framework_to_executor_messages",
  "valid_operation_status_update_acknowledgements",
  "valid_operation_status_updates",
  "valid_status_update_acknowledgements",
  "valid_status_updates",
];
