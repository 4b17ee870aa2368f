/** A line in a task's own stderr, before its command writes there. */
import { closeSync, writeSync } from "node:fs";
import { openOutput } from "../supervisor/output.ts";

export function tellTask(sandboxDirectory: string, line: string): void {
  // A sandbox that cannot be written to has its reason told elsewhere.
  const output = openOutput(sandboxDirectory, undefined);
  if (!output.ok) return;
  try {
    writeSync(output.value.stderr, `${line}\n`);
  } catch {
    // A full disk: the task's status says it too.
  }
  closeSync(output.value.stdout);
  closeSync(output.value.stderr);
}
