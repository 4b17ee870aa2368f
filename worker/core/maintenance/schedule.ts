/**
 * The maintenance schedule (http-semantics 13.1): which machines are expected to be away when. A
 * machine in it is DRAINING, until it is taken DOWN; one that is not in it is UP.
 */
import type * as maintenance from "../../protocol/v1/maintenance.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { rescindOffersOfAgent } from "../offer/offer.ts";
import type { MaintenanceError } from "../operator/operator-error.ts";
import type { AgentRow, MachineRow } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";
import { machineKey } from "../tables.ts";
import type { Turn } from "../turn.ts";
import { forgetInverseOffers } from "./inverse-offer.ts";
import { machineMessage, parseMachine } from "./machine-name.ts";
import { unavailabilityMessage } from "./unavailability.ts";

/** A machine and its window, before it is a row. */
export type ScheduledMachine = Pick<
  MachineRow,
  "hostname" | "ip" | "window" | "startNs" | "durationNs"
>;

/** A whole new schedule, checked by itself. */
export function parseSchedule({
  windows = [],
}: maintenance.Schedule): Result<readonly ScheduledMachine[], MaintenanceError> {
  const machines: ScheduledMachine[] = [];
  const seen = new Set<string>();
  for (const [window, { machine_ids = [], unavailability }] of windows.entries()) {
    const { start, duration } = unavailability;
    if (machine_ids.length === 0) return err({ code: "WINDOW_WITHOUT_MACHINES", window });
    if (duration !== undefined && duration.nanoseconds < 0n) {
      return err({ code: "WINDOW_DURATION_NEGATIVE", window });
    }
    const startNs = start.nanoseconds.toString();
    const durationNs = duration?.nanoseconds.toString();
    for (const id of machine_ids) {
      const machine = parseMachine(id);
      if (!machine.ok) return machine;
      const key = machineKey(machine.value.hostname, machine.value.ip);
      if (seen.has(key)) return err({ code: "MACHINE_NAMED_TWICE", machine: machine.value });
      seen.add(key);
      machines.push({ ...machine.value, window, startNs, durationNs });
    }
  }
  return ok(machines);
}

/** Whether the schedule may take the place of the present one. */
export function checkSchedule(
  { tables }: MasterState,
  schedule: readonly ScheduledMachine[],
): MaintenanceError | undefined {
  const named = new Set(schedule.map(rowKey));
  for (const machine of tables.machine.values()) {
    const isKept = named.has(rowKey(machine));
    const { hostname, ip } = machine;
    if (machine.mode === "DOWN" && !isKept) {
      return { code: "MACHINE_DOWN_DROPPED", machine: { hostname, ip } };
    }
  }
  for (const { id, hostname, ip, service } of tables.agent.values()) {
    if (service.state !== "DRAINING" && service.state !== "DRAINED") continue;
    if (!named.has(machineKey(hostname, ip))) continue;
    return { code: "MACHINE_AGENT_DRAINING", machine: { hostname, ip }, agentId: id };
  }
  return undefined;
}

/** The whole schedule is replaced; a machine that is down stays so. */
export function setSchedule(turn: Turn, schedule: readonly ScheduledMachine[]): void {
  const { machine } = turn.state.tables;
  const before = new Map([...machine.values()].map((row) => [rowKey(row), row]));
  // In the order of the new schedule, which is shown as it was given.
  for (const key of before.keys()) machine.delete(key);
  for (const row of schedule) {
    const mode = before.get(rowKey(row))?.mode ?? "DRAINING";
    machine.put({ seq: newSeq(turn.state), ...row, mode });
  }
  for (const agent of [...turn.state.tables.agent.values()]) {
    const key = machineKey(agent.hostname, agent.ip);
    const now = machine.get(key);
    if (!sameUnavailability(before.get(key), now)) unavailabilityChanged(turn, agent);
  }
}

/** Offers show it: the old ones are taken back, and made again with the new one. */
export function unavailabilityChanged(turn: Turn, agent: AgentRow): void {
  rescindOffersOfAgent(turn, agent.id);
  forgetInverseOffers(turn, agent.id);
}

/** As operators wrote it. */
export function scheduleMessage({ tables }: MasterState): maintenance.Schedule {
  const windows = new Map<number, MachineRow[]>();
  for (const row of tables.machine.values()) {
    const machines = windows.get(row.window) ?? [];
    machines.push(row);
    windows.set(row.window, machines);
  }
  if (windows.size === 0) return {};
  return {
    windows: [...windows.values()].flatMap((machines) => {
      const [first] = machines;
      if (first === undefined) return [];
      return [
        { machine_ids: machines.map(machineMessage), unavailability: unavailabilityMessage(first) },
      ];
    }),
  };
}

function rowKey({ hostname, ip }: Pick<MachineRow, "hostname" | "ip">): string {
  return machineKey(hostname, ip);
}

function sameUnavailability(a: MachineRow | undefined, b: MachineRow | undefined): boolean {
  return a?.startNs === b?.startNs && a?.durationNs === b?.durationNs;
}
