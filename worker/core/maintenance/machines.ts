/** Taking machines down for their maintenance, and up again (http-semantics 13.1). */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { removeAgent } from "../agent/remove.ts";
import type { MaintenanceError } from "../operator/operator-error.ts";
import type { AgentRow, MachineRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { machineKey } from "../tables.ts";
import type { Turn } from "../turn.ts";
import { type MachineName, parseMachine } from "./machine-name.ts";
import { unavailabilityChanged } from "./schedule.ts";

/** The machines named, all of which are in the schedule and may be taken down. */
export function checkStart(
  state: MasterState,
  ids: readonly mesos.MachineID[],
): Result<readonly MachineRow[], MaintenanceError> {
  return named(state, ids, (machine, row) => {
    if (row === undefined) return { code: "MACHINE_NOT_SCHEDULED", machine };
    return row.mode === "DOWN" ? { code: "MACHINE_IS_DOWN", machine } : undefined;
  });
}

/** The machines named, all of which are down. */
export function checkStop(
  state: MasterState,
  ids: readonly mesos.MachineID[],
): Result<readonly MachineRow[], MaintenanceError> {
  return named(state, ids, (machine, row) => {
    return row?.mode === "DOWN" ? undefined : { code: "MACHINE_NOT_DOWN", machine };
  });
}

/**
 * The agents there are told to end, and removed; none may register there until the machine is up.
 */
export function startMaintenance(turn: Turn, machines: readonly MachineRow[]): void {
  const { tables } = turn.state;
  for (const row of machines) tables.machine.put({ ...row, mode: "DOWN" });
  for (const agent of agentsOn(turn.state, machines)) {
    // Of an agent that nobody can reach nothing is known: it stays unreachable.
    if (agent.connection.state === "UNREACHABLE") continue;
    removeAgent(turn, agent, {
      state: "TASK_LOST",
      reason: "REASON_AGENT_REMOVED",
      message: `The machine of agent ${agent.id} (${agent.hostname}) was taken down`,
      advice: "start it again when the maintenance is over",
    });
  }
}

/** They leave the schedule with that. */
export function stopMaintenance(turn: Turn, machines: readonly MachineRow[]): void {
  for (const { hostname, ip } of machines) {
    turn.state.tables.machine.delete(machineKey(hostname, ip));
  }
  for (const agent of agentsOn(turn.state, machines)) unavailabilityChanged(turn, agent);
}

function named(
  { tables }: MasterState,
  ids: readonly mesos.MachineID[],
  problemOf: (machine: MachineName, row: MachineRow | undefined) => MaintenanceError | undefined,
): Result<readonly MachineRow[], MaintenanceError> {
  if (ids.length === 0) return err({ code: "MACHINES_MISSING" });
  const rows = new Map<string, MachineRow>();
  for (const id of ids) {
    const machine = parseMachine(id);
    if (!machine.ok) return machine;
    const key = machineKey(machine.value.hostname, machine.value.ip);
    if (rows.has(key)) return err({ code: "MACHINE_NAMED_TWICE", machine: machine.value });
    const row = tables.machine.get(key);
    const problem = problemOf(machine.value, row);
    if (problem !== undefined) return err(problem);
    if (row !== undefined) rows.set(key, row);
  }
  return ok([...rows.values()]);
}

function agentsOn({ tables }: MasterState, machines: readonly MachineRow[]): readonly AgentRow[] {
  const keys = new Set(machines.map(({ hostname, ip }) => machineKey(hostname, ip)));
  return [...tables.agent.values()].filter(({ hostname, ip }) => {
    return keys.has(machineKey(hostname, ip));
  });
}
