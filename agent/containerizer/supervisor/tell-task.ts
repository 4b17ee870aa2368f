/** A line in a task's own stderr, before its command writes there. */
import { closeSync, writeSync } from "node:fs";
import { openOutput } from "./output.ts";
import type { Account } from "./users.ts";

/** `account`: the owner that the file gets; undefined: it stays whose it is. */
export function tellTask(
  sandboxDirectory: string,
  line: string,
  account: Account | undefined = undefined,
): void {
  // A sandbox that cannot be written to has its reason told elsewhere.
  const output = openOutput(sandboxDirectory, account);
  if (!output.ok) return;
  try {
    writeSync(output.value.stderr, `${line}\n`);
  } catch {
    // A full disk: the task's status says it too.
  }
  closeSync(output.value.stdout);
  closeSync(output.value.stderr);
}
