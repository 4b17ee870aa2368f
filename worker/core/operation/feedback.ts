/**
 * Offer operation feedback (http-semantics 5.4, 5.5): an operation with an id is told to its
 * framework when it is finished, and told again, later and later, until that is acknowledged. The
 * others end without a word.
 *
 * While an agent is unreachable its operations are forgotten, as far as anybody can see: their rows
 * wait for its return.
 */
import type { OperationUuid } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { encodeBase64 } from "../../protocol/wire/base64.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { OPERATION_RESEND_MAX_MS, OPERATION_RESEND_MS } from "../constants.ts";
import type { AgentRow, FrameworkRow, OperationRow } from "../rows.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { uuidBytes } from "../uuid.ts";
import { operationStatus } from "./status.ts";

/** The agent has the operation on disk. */
export function operationApplied(turn: Turn, uuid: OperationUuid): void {
  const { tables } = turn.state;
  const row = tables.operation.get(uuid);
  if (row === undefined) return;
  const status: mesos.OperationStatus = {
    operation_id: operationStatus(row).operation_id,
    state: "OPERATION_FINISHED",
    uuid: { value: uuidBytes(turn.random) },
    agent_id: { value: row.agentId },
  };
  const finished = tables.operation.put({
    ...row,
    status: encodeJson("mesos.v1.OperationStatus", status),
    state: status.state,
  });
  const framework = tables.framework.get(row.frameworkId ?? "");
  // Nobody is there to acknowledge it.
  if (framework === undefined || row.operationId === undefined) tables.operation.delete(uuid);
  else tellFinished(turn, framework, finished);
}

/** Its time to be told again has come. */
export function resendStatus(turn: Turn, row: OperationRow): void {
  const framework = turn.state.tables.framework.get(row.frameworkId ?? "");
  if (framework !== undefined) tellFinished(turn, framework, row, row.resend?.intervalMs);
}

/** To a framework that is away it is told at its return (`tellOperations`). */
function tellFinished(
  turn: Turn,
  framework: FrameworkRow,
  row: OperationRow,
  afterMs = OPERATION_RESEND_MS,
): void {
  const { operation } = turn.state.tables;
  if (framework.connection.state !== "CONNECTED") {
    operation.put({ ...row, resend: undefined });
    return;
  }
  tell(turn, framework, operationStatus(row));
  const intervalMs = Math.min(2 * afterMs, OPERATION_RESEND_MAX_MS);
  operation.put({ ...row, resend: { dueMs: turn.nowMs + afterMs, intervalMs } });
}

export function tell(turn: Turn, framework: FrameworkRow, status: mesos.OperationStatus): void {
  sendEvent(turn, framework, {
    type: "UPDATE_OPERATION_STATUS",
    update_operation_status: { status },
  });
}

/** The framework has come back: it is told what it has not acknowledged, or could not hear. */
export function tellOperations(turn: Turn, framework: FrameworkRow): void {
  for (const row of turn.state.index.operationsOfFramework(framework.id)) {
    if (row.operationId === undefined) continue;
    if (isAway(turn, row)) tell(turn, framework, unreachableStatus(row));
    else if (row.state === "OPERATION_FINISHED") tellFinished(turn, framework, row);
  }
}

/** ACKNOWLEDGE_OPERATION_STATUS. What does not name a status that waits for it is dropped. */
export function acknowledgeOperation(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallAcknowledgeOperationStatus,
): void {
  const { index, tables } = turn.state;
  const uuid = encodeBase64(call.uuid);
  const row = index.operationsOfFramework(framework.id).find((candidate) => {
    if (candidate.operationId !== call.operation_id.value) return false;
    const told = operationStatus(candidate).uuid;
    return told !== undefined && encodeBase64(told.value) === uuid;
  });
  const named = call.agent_id?.value;
  if (row === undefined || (named !== undefined && named !== row.agentId)) return;
  tables.operation.delete(row.uuid);
}

export function operationsUnreachable(turn: Turn, agent: AgentRow): void {
  const { index, tables } = turn.state;
  for (const row of index.operationsOfAgent(agent.id)) {
    tables.operation.put({ ...row, resend: undefined });
    const framework = tables.framework.get(row.frameworkId ?? "");
    if (framework === undefined || row.operationId === undefined) continue;
    tell(turn, framework, unreachableStatus(row));
  }
}

/** The agent is back: what was not acknowledged is told again. */
export function operationsReturned(turn: Turn, agent: AgentRow): void {
  for (const row of turn.state.index.operationsOfAgent(agent.id)) {
    if (row.state === "OPERATION_FINISHED") resendStatus(turn, { ...row, resend: undefined });
  }
}

/** The agent will never come back. */
export function operationsGone(turn: Turn, agent: AgentRow): void {
  const { index, tables } = turn.state;
  for (const row of index.operationsOfAgent(agent.id)) {
    const status = endStatus(row, "OPERATION_GONE_BY_OPERATOR", "was marked gone");
    tables.operation.put({
      ...row,
      status: encodeJson("mesos.v1.OperationStatus", status),
      state: status.state,
      resend: undefined,
    });
    tables.operation.delete(row.uuid);
    const framework = tables.framework.get(row.frameworkId ?? "");
    if (framework === undefined || row.operationId === undefined) continue;
    tell(turn, framework, status);
  }
}

/** The framework is removed. What its agents have not written down yet ends when they have. */
export function endOperations(turn: Turn, framework: FrameworkRow): void {
  for (const row of turn.state.index.operationsOfFramework(framework.id)) {
    if (row.state === "OPERATION_PENDING") continue;
    turn.state.tables.operation.delete(row.uuid);
  }
}

/** Whether nobody can say what became of the operation. */
export function isAway(turn: Pick<Turn, "state">, row: OperationRow): boolean {
  return turn.state.tables.agent.get(row.agentId)?.connection.state !== "CONNECTED";
}

export function unreachableStatus(row: OperationRow): mesos.OperationStatus {
  return endStatus(row, "OPERATION_UNREACHABLE", "is unreachable");
}

function endStatus(
  row: OperationRow,
  state: mesos.OperationState,
  what: string,
): mesos.OperationStatus {
  return {
    operation_id: operationStatus(row).operation_id,
    state,
    message: `Agent ${row.agentId} ${what}`,
    agent_id: { value: row.agentId },
  };
}
