import type * as master from "../../protocol/v1/master.ts";
import { statusMessage } from "../maintenance/status.ts";
import type { MasterState } from "../state.ts";

export function getMaintenanceStatus(state: MasterState): master.Response {
  const status = statusMessage(state);
  return { type: "GET_MAINTENANCE_STATUS", get_maintenance_status: { status } };
}
