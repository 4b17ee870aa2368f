/**
 * Leaves nothing running after the supervisor was killed.
 *
 * workerd dies by the kernel's hand (PDEATHSIG) and an agent ends its tasks and itself when its
 * stdin closes. What these two miss is an agent that was dead at that moment: its tasks live, and
 * the supervisor that would have started it again does not. Each such agent is started once more,
 * with its stdin closed: it recovers its tasks, ends them, and ends.
 */
import { spawn } from "node:child_process";
import type { Ward } from "./front-door-messages.ts";
import { isAlive, killNow } from "./process-identity.ts";

/** Resolves when every sweep has ended. */
export async function cleanUpWards(wards: readonly Ward[]): Promise<void> {
  await Promise.all(wards.map(cleanUpWard));
}

async function cleanUpWard({ identity, sweep }: Ward): Promise<void> {
  if (sweep === undefined) {
    if (identity !== undefined) killNow(identity);
  } else if (identity === undefined || !isAlive(identity)) {
    await runSweep(sweep);
  }
}

/** Resolves when the process has ended, with what it swept up. */
export function runSweep(argv: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, argv, {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    // At once: that is what tells it that nobody is there.
    child.stdin.on("error", () => {});
    child.stdin.end();
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  });
}
