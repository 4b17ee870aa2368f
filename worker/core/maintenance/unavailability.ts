/** When an agent's machine is expected to be away, by the maintenance schedule (http-semantics 13.1). */
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { AgentRow, MachineRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { machineKey } from "../tables.ts";

/** The scheduled machine that the agent runs on: its host name and its address are the agent's. */
export function machineOf(
  state: MasterState,
  { hostname, ip }: Pick<AgentRow, "hostname" | "ip">,
): MachineRow | undefined {
  return state.tables.machine.get(machineKey(hostname, ip));
}

/** As offers show it; undefined: no maintenance of the agent's machine is scheduled. */
export function unavailabilityOf(
  state: MasterState,
  agent: AgentRow,
): mesos.Unavailability | undefined {
  const machine = machineOf(state, agent);
  return machine && unavailabilityMessage(machine);
}

export function unavailabilityMessage({
  startNs,
  durationNs,
}: Pick<MachineRow, "startNs" | "durationNs">): mesos.Unavailability {
  return {
    start: { nanoseconds: BigInt(startNs) },
    duration: durationNs === undefined ? undefined : { nanoseconds: BigInt(durationNs) },
  };
}
