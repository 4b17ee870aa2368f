/** How machines are named on the command line: HOSTNAME/IP, as their agents registered them. */
import type * as maintenance from "../../worker/protocol/v1/maintenance.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { Operator } from "../../worker/sdk/operator.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";

/** The error is a sentence for the user. */
export function parseMachines(
  words: readonly string[],
): Result<readonly mesos.MachineID[], string> {
  if (words.length === 0) return err("name at least one machine as HOSTNAME/IP");
  const machines: mesos.MachineID[] = [];
  for (const word of words) {
    const [, hostname = "", ip = ""] = /^([^/]+)\/([^/]+)$/.exec(word) ?? [];
    if (hostname === "") return err(`a machine is named as HOSTNAME/IP, not "${word}"`);
    machines.push({ hostname, ip });
  }
  return ok(machines);
}

export function machineText({ hostname = "", ip = "" }: mesos.MachineID): string {
  return `${hostname}/${ip}`;
}

/** Host names are equal in any case. */
export function sameMachine(a: mesos.MachineID, b: mesos.MachineID): boolean {
  return machineText(a).toLowerCase() === machineText(b).toLowerCase();
}

export async function readSchedule(operator: Operator): Promise<readonly maintenance.Window[]> {
  const answer = await operator.ask({ type: "GET_MAINTENANCE_SCHEDULE" });
  return answer.get_maintenance_schedule?.schedule.windows ?? [];
}

/** The windows without these machines; a window that has no other goes with them. */
export function withoutMachines(
  windows: readonly maintenance.Window[],
  machines: readonly mesos.MachineID[],
): readonly maintenance.Window[] {
  return windows
    .map((window) => ({
      ...window,
      machine_ids: (window.machine_ids ?? []).filter(
        (id) => !machines.some((machine) => sameMachine(machine, id)),
      ),
    }))
    .filter(({ machine_ids }) => machine_ids.length > 0);
}
