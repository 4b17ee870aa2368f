import type { OperationError } from "../../operation/operation-error.ts";
import { add, subtract } from "../../resources/algebra.ts";
import type { Conversion } from "../../resources/conversion.ts";
import type { Resources } from "../../resources/resource.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { AGENT_TOTAL_LENGTH_MAX } from "../constants.ts";
import type { AgentRow } from "../rows.ts";

/**
 * What the agent has when the operation is done. Every label and principal makes a part of its own
 * of what is reserved with it, and all of them are in the agent's row and in each of its commands,
 * so there is a bound. Asserts that the agent has what is consumed.
 */
export function totalAfter(
  agent: AgentRow,
  { consumed, converted }: Conversion,
): Result<Resources, OperationError> {
  const total = add(subtract(agent.total, consumed), converted);
  const { length } = JSON.stringify(total);
  const limit = AGENT_TOTAL_LENGTH_MAX;
  // What makes it shorter is allowed in any case.
  const isTooLong = length > limit && length > JSON.stringify(agent.total).length;
  return isTooLong ? err({ code: "TOTAL_TOO_LONG", limit }) : ok(total);
}
