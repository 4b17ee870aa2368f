/** What frameworks said about the machines that are to go, and which machines are down. */
import type * as allocator from "../../protocol/v1/allocator.ts";
import type * as maintenance from "../../protocol/v1/maintenance.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { MasterState } from "../state.ts";
import { machineKey } from "../tables.ts";
import { nanoseconds } from "../task/reconcile.ts";
import { machineMessage } from "./machine-name.ts";

export function statusMessage(state: MasterState): maintenance.ClusterStatus {
  const draining: maintenance.ClusterStatusDrainingMachine[] = [];
  const down: mesos.MachineID[] = [];
  const answers = answersByMachine(state);
  for (const row of state.tables.machine.values()) {
    const id = machineMessage(row);
    if (row.mode === "DOWN") down.push(id);
    else draining.push({ id, statuses: answers.get(machineKey(row.hostname, row.ip)) });
  }
  // What is empty is left out, as Mesos does.
  return {
    ...(draining.length > 0 && { draining_machines: draining }),
    ...(down.length > 0 && { down_machines: down }),
  };
}

function answersByMachine({
  tables,
}: MasterState): ReadonlyMap<string, readonly allocator.InverseOfferStatus[]> {
  const byMachine = new Map<string, allocator.InverseOfferStatus[]>();
  for (const { frameworkId, agentId, status, answeredMs } of tables.inverseAnswer.values()) {
    const agent = tables.agent.get(agentId);
    if (agent === undefined) continue;
    const key = machineKey(agent.hostname, agent.ip);
    const statuses = byMachine.get(key) ?? [];
    statuses.push({
      status,
      framework_id: { value: frameworkId },
      timestamp: nanoseconds(answeredMs),
    });
    byMachine.set(key, statuses);
  }
  return byMachine;
}
