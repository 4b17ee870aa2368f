/** ACCEPT: offers are spent on operations, in order; what is left returns with a filter (http-semantics 5.2). */

import type { OfferId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { add } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { FrameworkRow, OfferRow } from "../rows.ts";
import { launchTasks } from "../task/launch.ts";
import { refuseTask } from "../task/refuse.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { addFilter, brakeInvalidAccept, refuseMs } from "./filter.ts";
import type { Pool } from "./pool.ts";

type OperationType = mesos.OfferOperationType;

export function accept(turn: Turn, framework: FrameworkRow, call: scheduler.CallAccept): void {
  // Taken first: whatever fails below, these offers are never spent a second time.
  const taken = takeOffers(turn, framework, call.offer_ids ?? []);
  if (!taken.ok) {
    for (const operation of call.operations ?? []) {
      refuseOperation(turn, framework, operation, {
        state: "TASK_DROPPED",
        reason: "REASON_INVALID_OFFERS",
        message: `Task launched with invalid offers: ${taken.error}`,
      });
    }
    return;
  }
  const { pool, first } = taken.value;
  let left = pool.resources;
  for (const operation of call.operations ?? []) {
    left = perform(turn, framework, operation, { ...pool, resources: left });
  }
  const durationMs = refuseMs(call.filters);
  addFilter(turn, first, { refused: left, durationMs, cause: "LEFT_OVER" });
}

/** Ends the named offers; all of them must be this framework's, of one agent and one role. */
function takeOffers(
  turn: Turn,
  framework: FrameworkRow,
  ids: readonly mesos.OfferID[],
): Result<{ pool: Pool; first: OfferRow }, string> {
  const { tables } = turn.state;
  const failures: string[] = [];
  const offers: OfferRow[] = [];
  const seen = new Set<string>();
  for (const { value: id } of ids) {
    const offer = tables.offer.get(id as OfferId);
    if (seen.has(id)) failures.push(`Offer ${id} is named twice`);
    else if (offer === undefined) failures.push(`Offer ${id} is no longer valid`);
    else if (offer.frameworkId !== framework.id) {
      failures.push(`Offer ${id} belongs to another framework`);
    } else offers.push(offer);
    seen.add(id);
  }
  const first = offers[0];
  const stranger = offers.find((o) => o.agentId !== first?.agentId || o.role !== first?.role);
  if (ids.length === 0) failures.push("No offers specified");
  if (stranger !== undefined) {
    failures.push(`Offer ${stranger.id} is of another agent or role than ${first?.id}`);
  }
  for (const offer of offers) tables.offer.delete(offer.id);
  const agent = first === undefined ? undefined : tables.agent.get(first.agentId);
  const failure = failures[0];
  if (failure !== undefined) {
    for (const offer of offers) brakeInvalidAccept(turn, offer);
    return err(failure);
  }
  if (first === undefined || agent === undefined) return err("The agent of the offers is gone");
  const resources = offers.reduce<Resources>((sum, offer) => add(sum, offer.resources), []);
  return ok({ first, pool: { agent, role: first.role, resources } });
}

/**
 * Carries out one operation and returns what it left of the pool. A failed one leaves the pool as
 * it was.
 */
function perform(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation,
  pool: Pool,
): Resources {
  if (operation.type === undefined || operation.type === "UNKNOWN") return pool.resources;
  if (operation.type === "LAUNCH") return launchTasks(turn, framework, operation, pool);
  const group = operation.type === "LAUNCH_GROUP";
  refuseOperation(turn, framework, operation, {
    state: "TASK_ERROR",
    reason: group ? "REASON_TASK_GROUP_INVALID" : "REASON_TASK_INVALID",
    message: notServed[operation.type],
  });
  return pool.resources;
}

/** Operations that have no module yet, and what to do instead. */
const notServed: { readonly [T in Exclude<OperationType, "UNKNOWN" | "LAUNCH">]: string } = {
  LAUNCH_GROUP: "LAUNCH_GROUP is not served by this version; launch the tasks with LAUNCH",
  RESERVE: "RESERVE is not served by this version; reserve statically with the agent's --resources",
  UNRESERVE: "UNRESERVE is not served by this version",
  CREATE: "CREATE is not served by this version; tasks can use a path on the agent's disk",
  DESTROY: "DESTROY is not served by this version",
  GROW_VOLUME: "GROW_VOLUME is not served by this version",
  SHRINK_VOLUME: "SHRINK_VOLUME is not served by this version",
  CREATE_DISK: "CREATE_DISK needs a resource provider, and this agent has none",
  DESTROY_DISK: "DESTROY_DISK needs a resource provider, and this agent has none",
};

/**
 * Tells the framework of an operation that is not carried out: its tasks one by one, others by
 * their id.
 */
function refuseOperation(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation,
  refusal: {
    readonly state: mesos.TaskState;
    readonly reason: mesos.TaskStatusReason;
    readonly message: string;
  },
): void {
  const launched = operation.launch?.task_infos ?? operation.launch_group?.task_group.tasks ?? [];
  for (const task of launched) refuseTask(turn, framework, task, refusal);
  const isLaunch = operation.type === "LAUNCH" || operation.type === "LAUNCH_GROUP";
  if (isLaunch || operation.id === undefined) return;
  sendEvent(turn, framework, {
    type: "UPDATE_OPERATION_STATUS",
    update_operation_status: {
      status: { operation_id: operation.id, state: "OPERATION_ERROR", message: refusal.message },
    },
  });
}
