/** Scheduler calls but SUBSCRIBE, and what they did. */

import type * as scheduler from "../../protocol/v1/scheduler.ts";
import type { CountedTurn } from "./counted-turn.ts";
import { taskIn, wasAccepted } from "./counted-turn.ts";
import { count, countFor } from "./increments.ts";

/** The master's name for a call; undefined: it has none, or does not count calls in it. */
const callCounters: { readonly [T in scheduler.CallType]: string | undefined } = {
  UNKNOWN: undefined,
  SUBSCRIBE: undefined,
  // "messages_unregister_framework" is for drivers that do not speak HTTP.
  TEARDOWN: undefined,
  ACCEPT: undefined,
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

/** A refused call does not count. */
export function countCall(turn: CountedTurn, call: scheduler.Call): void {
  const { counters, outcome } = turn;
  if (!wasAccepted(outcome)) return;
  const type = call.type ?? "UNKNOWN";
  const name = callCounters[type];
  if (name !== undefined) count(counters, name);
  const frameworkId = call.framework_id?.value;
  countFor(counters, frameworkId, `calls/${type.toLowerCase()}`);
  countSpentOffers(turn, call);
  if (type === "ACCEPT") countLaunches(turn, call);
  else if (type === "KILL") countKill(turn, call);
  else if (type === "MESSAGE")
    countSent(turn, "FRAMEWORK_MESSAGE", "framework_to_executor_messages");
  else if (type === "ACKNOWLEDGE") countSent(turn, "ACKNOWLEDGE", "status_update_acknowledgements");
  else if (type === "ACKNOWLEDGE_OPERATION_STATUS") countOperationAcknowledgement(turn);
}

/** The offers that the call names and that were there. */
function countSpentOffers({ counters, outcome }: CountedTurn, call: scheduler.Call): void {
  const named = new Set(
    (call.accept?.offer_ids ?? call.decline?.offer_ids ?? []).map(({ value }) => value),
  );
  const verb = call.type === "ACCEPT" ? "accepted" : "declined";
  for (const { table, key, before, after } of outcome.changes) {
    if (table !== "offer" || before === undefined || after !== undefined) continue;
    if (named.has(key)) countFor(counters, call.framework_id?.value, `offers/${verb}`);
  }
}

/**
 * The master counts every LAUNCH that names a task, and one without as a declined offer; the
 * framework's own metrics count launches of which at least one task came to be.
 */
function countLaunches(turn: CountedTurn, call: scheduler.Call): void {
  const { counters, outcome } = turn;
  const frameworkId = call.framework_id?.value;
  const made = new Set(
    outcome.changes.flatMap(({ table, key, before }) =>
      table === "task" && before === undefined ? [key] : [],
    ),
  );
  const isMade = ({ task_id }: { readonly task_id: { readonly value: string } }): boolean =>
    made.has(`${frameworkId}/${task_id.value}`);
  for (const { type, launch, launch_group } of call.accept?.operations ?? []) {
    const tasks = launch?.task_infos ?? launch_group?.task_group.tasks ?? [];
    if (type === "LAUNCH") {
      count(counters, tasks.length > 0 ? "messages_launch_tasks" : "messages_decline_offers");
    } else if (type !== "LAUNCH_GROUP") continue;
    if (tasks.some(isMade)) countFor(counters, frameworkId, `operations/${type.toLowerCase()}`);
  }
}

/** To kill a task that the master does not know means to reconcile it. */
function countKill(turn: CountedTurn, call: scheduler.Call): void {
  const task = taskIn(turn, call.framework_id?.value ?? "", call.kill?.task_id.value ?? "");
  if (task === undefined) count(turn.counters, "messages_reconcile_tasks");
}

/** Valid when it went on to an agent. */
function countSent(
  { counters, outcome }: CountedTurn,
  command: "FRAMEWORK_MESSAGE" | "ACKNOWLEDGE",
  name: string,
): void {
  const isSent = outcome.effects.some(
    (effect) =>
      effect.type === "SEND_COMMANDS" && effect.commands.some(({ type }) => type === command),
  );
  count(counters, `${isSent ? "valid" : "invalid"}_${name}`);
}

/** Valid when there was such an operation: its row is done with. */
function countOperationAcknowledgement({ counters, outcome }: CountedTurn): void {
  const isKnown = outcome.changes.some(({ table }) => table === "operation");
  const name = "operation_status_update_acknowledgements";
  count(counters, `${isKnown ? "valid" : "invalid"}_${name}`);
}
