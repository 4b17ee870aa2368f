import type * as maintenance from "../../worker/protocol/v1/maintenance.ts";
import { operatorOf } from "./change.ts";
import { defineCommand } from "./command.ts";
import { printListing } from "./list.ts";
import { machineText, readSchedule, sameMachine } from "./machine.ts";
import { plainTime } from "./plain.ts";

export const maintenanceStatus = defineCommand({
  name: "maintenance status",
  summary: "List the machines whose maintenance is scheduled, and what frameworks say to it",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock maintenance status", "rimrock maintenance status --json"],
  run: async (_values, context) => {
    const operator = operatorOf(context);
    const windows = await readSchedule(operator);
    const { get_maintenance_status } = await operator.ask({ type: "GET_MAINTENANCE_STATUS" });
    const status = get_maintenance_status?.status ?? {};
    printListing(
      {
        items: windows.flatMap((window) => plainMachines(window, status)),
        columns: {
          MACHINE: ({ machine }) => machine,
          STATE: ({ state }) => state,
          FROM: ({ from }) => from ?? "",
          FOR: ({ seconds }) => (seconds === null ? "ever" : `${seconds}secs`),
          ACCEPTED: ({ accepted }) => accepted.join(" "),
          DECLINED: ({ declined }) => declined.join(" "),
        },
        empty: "no maintenance is scheduled; see: rimrock maintenance schedule --help",
      },
      context,
    );
    return 0;
  },
});

function plainMachines(window: maintenance.Window, status: maintenance.ClusterStatus) {
  const { start, duration } = window.unavailability;
  return (window.machine_ids ?? []).map((id) => {
    const draining = status.draining_machines?.find((entry) => sameMachine(entry.id, id));
    const answers = (wanted: string): readonly string[] =>
      (draining?.statuses ?? [])
        .filter((answer) => answer.status === wanted)
        .map(({ framework_id }) => framework_id.value);
    return {
      machine: machineText(id),
      state: draining === undefined ? "DOWN" : "DRAINING",
      from: plainTime(start),
      seconds: duration === undefined ? null : Number(duration.nanoseconds) / 1e9,
      accepted: answers("ACCEPT"),
      declined: answers("DECLINE"),
    };
  });
}
