import type * as master from "../../protocol/v1/master.ts";
import { operationMessage } from "../operation/status.ts";
import type { MasterState } from "../state.ts";

/** Those on agents that are there: what becomes of the others nobody can say. */
export function getOperations(state: MasterState): master.Response {
  const operations = [...state.tables.operation.values()]
    .filter(({ agentId }) => state.tables.agent.get(agentId)?.connection.state === "CONNECTED")
    .map(operationMessage);
  return {
    type: "GET_OPERATIONS",
    get_operations: { operations: operations.length === 0 ? undefined : operations },
  };
}
