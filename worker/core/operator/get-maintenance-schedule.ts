import type * as master from "../../protocol/v1/master.ts";
import { scheduleMessage } from "../maintenance/schedule.ts";
import type { MasterState } from "../state.ts";

export function getMaintenanceSchedule(state: MasterState): master.Response {
  const schedule = scheduleMessage(state);
  return { type: "GET_MAINTENANCE_SCHEDULE", get_maintenance_schedule: { schedule } };
}
