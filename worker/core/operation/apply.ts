/**
 * An operation that was found in order takes effect: the agent has from now on what it makes, so
 * that it can be offered or used at once, and is told to write that down. The operation is finished
 * when the agent has it on disk (docs/decisions/0012).
 */
import type { OperationUuid } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeBase64 } from "../../protocol/wire/base64.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import type { Resources } from "../../resources/resource.ts";
import { enqueueNumbered } from "../agent/commands.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";
import { uuidBytes } from "../uuid.ts";

export interface Applicable {
  readonly operation: mesos.OfferOperation;
  /** What the agent has from now on: see `totalAfter`. */
  readonly total: Resources;
  /** Whose it is; absent: an operator's. */
  readonly framework?: FrameworkRow;
}

/** Returns the agent as it is now. */
export function applyOperation(
  turn: Turn,
  agent: AgentRow,
  { operation, total, framework }: Applicable,
): AgentRow {
  const { state } = turn;
  const changed = state.tables.agent.put({ ...agent, total });
  const uuid = encodeBase64(uuidBytes(turn.random)) as OperationUuid;
  const operationId = framework === undefined ? undefined : operation.id?.value;
  const status: mesos.OperationStatus = {
    operation_id: operation.id,
    state: "OPERATION_PENDING",
    agent_id: { value: agent.id },
  };
  state.tables.operation.put({
    seq: newSeq(state),
    uuid,
    frameworkId: framework?.id,
    agentId: agent.id,
    operationId,
    info: encodeJson("mesos.v1.Offer.Operation", operation),
    status: encodeJson("mesos.v1.OperationStatus", status),
    state: status.state,
  });
  enqueueNumbered(turn, changed, { type: "APPLY_OPERATION", uuid }, newSeq(state));
  return changed;
}
