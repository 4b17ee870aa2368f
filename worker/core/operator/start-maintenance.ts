import type * as master from "../../protocol/v1/master.ts";
import { checkStart, startMaintenance } from "../maintenance/machines.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

/** Takes machines down that the schedule names. */
export function startMaintenanceCall(turn: Turn, { start_maintenance: call }: master.Call): void {
  const found = checkStart(turn.state, call?.machines ?? []);
  const checked = found.ok ? authorized(turn, { type: "START_MAINTENANCE" }, found.value) : found;
  carryOut(turn, checked, (machines) => startMaintenance(turn, machines));
}
