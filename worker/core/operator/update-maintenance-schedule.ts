import type * as master from "../../protocol/v1/master.ts";
import { err, type Result } from "../../std/result.ts";
import type { CallError } from "../call-error.ts";
import {
  checkSchedule,
  parseSchedule,
  type ScheduledMachine,
  setSchedule,
} from "../maintenance/schedule.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

/** Replaces the whole schedule. */
export function updateMaintenanceSchedule(
  turn: Turn,
  { update_maintenance_schedule: call }: master.Call,
): void {
  const checked = check(turn, call ?? { schedule: {} });
  carryOut(turn, checked, (schedule) => setSchedule(turn, schedule));
}

function check(
  turn: Turn,
  { schedule }: master.CallUpdateMaintenanceSchedule,
): Result<readonly ScheduledMachine[], CallError> {
  const parsed = parseSchedule(schedule);
  if (!parsed.ok) return parsed;
  const problem = checkSchedule(turn.state, parsed.value);
  if (problem !== undefined) return err(problem);
  return authorized(turn, { type: "UPDATE_MAINTENANCE_SCHEDULE" }, parsed.value);
}
