import { parseDurationMs } from "../../worker/std/duration.ts";
import { changeOnce, operatorOf, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";
import { machineText, parseMachines, readSchedule, withoutMachines } from "./machine.ts";

export const maintenanceSchedule = defineCommand({
  name: "maintenance schedule",
  summary: "Announce that machines will be away, and ask frameworks to leave them",
  description: `Machines that are scheduled already get the new window. Nothing is enforced until
"rimrock maintenance start".`,
  flags: {
    in: {
      kind: "text",
      placeholder: "DURATION",
      help: "when it begins, from now, such as 1hrs",
      fallback: "0secs",
    },
    for: { kind: "text", placeholder: "DURATION", help: "how long it lasts; else for ever" },
  },
  operands: { kind: "words", placeholder: "HOSTNAME/IP..." },
  examples: ["rimrock maintenance schedule m1.example/10.0.0.1 --in 1hrs --for 30mins"],
  run: async (values, context) => {
    const { terminal, operands } = context;
    const machines = parseMachines(operands.words);
    if (!machines.ok) return wrongUsage(machines.error, terminal);
    const begins = parseDurationMs(values.in);
    const lasts = values.for === undefined ? undefined : parseDurationMs(values.for);
    if (!begins.ok) return wrongUsage(`--in is a duration, not "${values.in}"`, terminal);
    if (lasts !== undefined && (!lasts.ok || lasts.value < 0)) {
      return wrongUsage(`--for is a duration, not "${values.for}"`, terminal);
    }
    const window = {
      machine_ids: machines.value,
      unavailability: {
        start: { nanoseconds: nanoseconds(Date.now() + begins.value) },
        duration: lasts && { nanoseconds: nanoseconds(lasts.value) },
      },
    };
    const others = withoutMachines(await readSchedule(operatorOf(context)), machines.value);
    const names = machines.value.map(machineText);
    return changeOnce(
      {
        type: "UPDATE_MAINTENANCE_SCHEDULE",
        update_maintenance_schedule: { schedule: { windows: [...others, window] } },
      },
      { sentence: `scheduled: ${names.join(" ")}`, json: names },
      context,
    );
  },
});

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
