/** Priorities of roles: which there are, and setting some. */
import type * as own from "../../../protocol/own/operator.ts";
import { ok, type Result } from "../../../std/result.ts";
import type { CallError } from "../../call-error.ts";
import { type PriorityUpdate, parsePriorities, setPriorities } from "../../role/priorities.ts";
import type { MasterState } from "../../state.ts";
import type { Turn } from "../../turn.ts";
import { authorized, carryOut } from "../carry-out.ts";
import type { OwnReading } from "./index.ts";

/** Of the roles that have another one than 0. */
export function* getPriorities({ tables }: MasterState): OwnReading {
  const priorities: own.RolePriority[] = [];
  for (const { name: role, priority } of tables.role.values()) {
    if (priority !== undefined) priorities.push({ role, priority });
  }
  yield;
  return ok({ priorities: { priorities } });
}

export function setPrioritiesCall(turn: Turn, { set_priorities: call }: own.Call): void {
  carryOut(turn, check(turn, call ?? {}), (update) => setPriorities(turn, update));
}

function check(turn: Turn, { priorities }: own.Priorities): Result<PriorityUpdate, CallError> {
  const parsed = parsePriorities(priorities ?? []);
  if (!parsed.ok) return parsed;
  return authorized(
    turn,
    { type: "UPDATE_PRIORITIES", roles: [...parsed.value.keys()] },
    parsed.value,
  );
}
