import { changeOnce, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { machineText, parseMachines } from "./machine.ts";

export const maintenanceStop = defineCommand({
  name: "maintenance stop",
  summary: "Bring machines up again: agents may register there",
  flags: {},
  operands: { kind: "words", placeholder: "HOSTNAME/IP..." },
  examples: ["rimrock maintenance stop m1.example/10.0.0.1"],
  run: async (_values, context) => {
    const machines = parseMachines(context.operands.words);
    if (!machines.ok) return wrongUsage(machines.error, context.terminal);
    const names = machines.value.map(machineText);
    return changeOnce(
      { type: "STOP_MAINTENANCE", stop_maintenance: { machines: machines.value } },
      { sentence: `up: ${names.join(" ")}`, json: names },
      context,
    );
  },
});
