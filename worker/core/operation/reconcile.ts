/** RECONCILE_OPERATIONS: the state of operations, told once and without a uuid (http-semantics 5.6). */
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import type { FrameworkRow, OperationRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { isAway, tell, unreachableStatus } from "./feedback.ts";
import { operationStatus } from "./status.ts";

export function reconcileOperations(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallReconcileOperations,
): void {
  const known = new Map<string, OperationRow>();
  // Ids may repeat: a later operation hides an earlier one.
  for (const row of turn.state.index.operationsOfFramework(framework.id)) {
    if (row.operationId !== undefined) known.set(row.operationId, row);
  }
  const asked = call.operations ?? [];
  if (asked.length === 0) {
    for (const row of known.values()) {
      if (!isAway(turn, row)) tell(turn, framework, latestStatus(row));
    }
    return;
  }
  for (const operation of asked) {
    const row = known.get(operation.operation_id.value);
    const status =
      row === undefined
        ? unknownStatus(turn, operation)
        : isAway(turn, row)
          ? unreachableStatus(row)
          : latestStatus(row);
    tell(turn, framework, status);
  }
}

function latestStatus(row: OperationRow): mesos.OperationStatus {
  return { ...operationStatus(row), uuid: undefined };
}

/** Agents have no resource providers that could know more. */
function unknownStatus(
  turn: Turn,
  operation: scheduler.CallReconcileOperationsOperation,
): mesos.OperationStatus {
  const { tables } = turn.state;
  const { operation_id, agent_id, resource_provider_id } = operation;
  const facts = { operation_id, agent_id, resource_provider_id };
  const id = agent_id?.value ?? "";
  if (tables.agent.get(id)?.connection.state === "UNREACHABLE") {
    const message = "Reconciliation: The operation's agent is unreachable";
    return { ...facts, state: "OPERATION_UNREACHABLE", message };
  }
  if (tables.goneAgent.has(id)) {
    const message = "Reconciliation: The operation's agent is gone";
    return { ...facts, state: "OPERATION_GONE_BY_OPERATOR", message };
  }
  return { ...facts, state: "OPERATION_UNKNOWN", message: "Reconciliation: Operation is unknown" };
}
