/** What is known of an operation, as it is told. */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { decodeBase64 } from "../../protocol/wire/base64.ts";
import { assert } from "../../std/assert.ts";
import type { OperationRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";

/** The latest one; its uuid is there when it wants an acknowledgement. */
export function operationStatus(row: OperationRow): mesos.OperationStatus {
  return decodeStored("mesos.v1.OperationStatus", row.status);
}

/** As operators see it. */
export function operationMessage(row: OperationRow): mesos.Operation {
  const uuid = decodeBase64(row.uuid);
  assert(uuid.ok, "a stored uuid decodes");
  const status = operationStatus(row);
  return {
    framework_id: row.frameworkId === undefined ? undefined : { value: row.frameworkId },
    agent_id: { value: row.agentId },
    info: decodeStored("mesos.v1.Offer.Operation", row.info),
    latest_status: status,
    // The agent has said nothing of a pending one.
    statuses: row.state === "OPERATION_PENDING" ? [] : [status],
    uuid: { value: uuid.value },
  };
}
