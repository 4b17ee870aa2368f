import { changeOnce, operatorOf, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { machineText, parseMachines, readSchedule, withoutMachines } from "./machine.ts";

export const maintenanceCancel = defineCommand({
  name: "maintenance cancel",
  summary: "Take machines out of the maintenance schedule",
  flags: {},
  operands: { kind: "words", placeholder: "HOSTNAME/IP..." },
  examples: ["rimrock maintenance cancel m1.example/10.0.0.1"],
  run: async (_values, context) => {
    const machines = parseMachines(context.operands.words);
    if (!machines.ok) return wrongUsage(machines.error, context.terminal);
    const windows = withoutMachines(await readSchedule(operatorOf(context)), machines.value);
    const names = machines.value.map(machineText);
    return changeOnce(
      {
        type: "UPDATE_MAINTENANCE_SCHEDULE",
        update_maintenance_schedule: { schedule: { windows } },
      },
      { sentence: `not scheduled any more: ${names.join(" ")}`, json: names },
      context,
    );
  },
});
