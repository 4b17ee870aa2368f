import { changeOnce, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { machineText, parseMachines } from "./machine.ts";

export const maintenanceStart = defineCommand({
  name: "maintenance start",
  summary: "Take scheduled machines down: their agents end, and their tasks are lost",
  flags: {},
  operands: { kind: "words", placeholder: "HOSTNAME/IP..." },
  examples: ["rimrock maintenance start m1.example/10.0.0.1"],
  run: async (_values, context) => {
    const machines = parseMachines(context.operands.words);
    if (!machines.ok) return wrongUsage(machines.error, context.terminal);
    const names = machines.value.map(machineText);
    return changeOnce(
      { type: "START_MAINTENANCE", start_maintenance: { machines: machines.value } },
      { sentence: `down: ${names.join(" ")}`, json: names },
      context,
    );
  },
});
