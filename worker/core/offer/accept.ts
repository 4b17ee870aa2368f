/** ACCEPT: offers are spent on operations, in order; what is left returns with a filter (http-semantics 5.2). */

import type { OperationType } from "../../operation/operation.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { common } from "../../resources/algebra.ts";
import { malformedOperation, performOperation, refuseOperation } from "../operation/perform.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import { launchTasks, malformedLaunch } from "../task/launch.ts";
import { launchGroup, malformedGroup } from "../task/launch-group.ts";
import { invalidGroup, invalidTask, refuseTask, type TaskRefusal } from "../task/refuse.ts";
import type { Turn } from "../turn.ts";
import { addFilter, refuseMs } from "./filter.ts";
import type { Pool } from "./pool.ts";
import { takeOffers } from "./take-offers.ts";

/** One with a type that something can be done with. */
type Operation = mesos.OfferOperation & {
  readonly type: OperationType | "LAUNCH" | "LAUNCH_GROUP";
};

export function accept(turn: Turn, framework: FrameworkRow, call: scheduler.CallAccept): void {
  // Taken first: whatever fails below, these offers are never spent a second time.
  const taken = takeOffers(turn, framework, call.offer_ids ?? []);
  const operations = (call.operations ?? []).filter(isKnown);
  if (!taken.ok) {
    for (const operation of operations) {
      refuse(turn, framework, operation, {
        state: "TASK_DROPPED",
        reason: "REASON_INVALID_OFFERS",
        message: `${subjectOf(operation)} with invalid offers: ${taken.error}`,
      });
    }
    return;
  }
  const { pool, first } = taken.value;
  // Ill-formed ones are told of before any other is carried out.
  const sound = operations.filter((operation) => {
    const refusal = malformed(operation, pool.agent);
    if (refusal !== undefined) refuse(turn, framework, operation, refusal);
    return refusal === undefined;
  });
  let left = pool;
  for (const operation of sound) left = perform(turn, framework, operation, left);
  // What operations made and no task took is offered again at once.
  const refused = common(left.resources, pool.resources);
  const durationMs = refuseMs(call.filters);
  addFilter(turn, first, { refused, durationMs, cause: "LEFT_OVER" });
}

function subjectOf({ type }: Operation): string {
  return type === "LAUNCH" || type === "LAUNCH_GROUP" ? "Task launched" : `${type} was asked for`;
}

/** An operation without a type, or with an unknown one, is ignored. */
function isKnown(operation: mesos.OfferOperation): operation is Operation {
  return operation.type !== undefined && operation.type !== "UNKNOWN";
}

/** Of an operation that has no tasks only the message is told. */
function malformed(operation: Operation, agent: AgentRow): TaskRefusal | undefined {
  switch (operation.type) {
    case "LAUNCH": {
      const problem = malformedLaunch(operation);
      return problem === undefined ? undefined : invalidTask(problem);
    }
    case "LAUNCH_GROUP": {
      const problem = malformedGroup(operation);
      return problem === undefined ? undefined : invalidGroup(problem);
    }
    default: {
      const problem = malformedOperation(operation.type, operation, agent);
      return problem === undefined ? undefined : invalidTask(problem);
    }
  }
}

/** Returns what is left of the pool, with what later operations may use. */
function perform(turn: Turn, framework: FrameworkRow, operation: Operation, pool: Pool): Pool {
  const { type } = operation;
  switch (type) {
    case "LAUNCH":
      return launchTasks(turn, framework, operation, pool);
    case "LAUNCH_GROUP":
      return launchGroup(turn, framework, operation, pool);
    default:
      return performOperation(turn, framework, { ...operation, type }, pool);
  }
}

/** Told task by task, or by the operation's id; one without either vanishes silently. */
function refuse(
  turn: Turn,
  framework: FrameworkRow,
  operation: Operation,
  refusal: TaskRefusal,
): void {
  switch (operation.type) {
    case "LAUNCH":
    case "LAUNCH_GROUP": {
      const { launch, launch_group: group } = operation;
      const tasks =
        (operation.type === "LAUNCH" ? launch?.task_infos : group?.task_group.tasks) ?? [];
      for (const task of tasks) refuseTask(turn, framework, task, refusal);
      return;
    }
    default:
      refuseOperation(turn, framework, operation, refusal.message);
  }
}
