import type * as master from "../../protocol/v1/master.ts";
import { checkStop, stopMaintenance } from "../maintenance/machines.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

/** Brings machines up that are down. */
export function stopMaintenanceCall(turn: Turn, { stop_maintenance: call }: master.Call): void {
  const found = checkStop(turn.state, call?.machines ?? []);
  const checked = found.ok ? authorized(turn, { type: "STOP_MAINTENANCE" }, found.value) : found;
  carryOut(turn, checked, (machines) => stopMaintenance(turn, machines));
}
