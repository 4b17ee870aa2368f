/**
 * Tells one process from another that later got the same number: by its number and its start time.
 * Linux only: reads /proc.
 */
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: clock ticks after boot. */
  readonly startTicks: number;
}

/** Undefined when there is no such process, or it has ended and only waits to be collected. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The command in parentheses may hold anything, so the fields are counted from its end: state is
  // the third of all, start time the 22nd.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ended = fields[0] === "Z" || fields[0] === "X";
  return ended ? undefined : { pid, startTicks: Number(fields[19]) };
}

export function isAlive(process: ProcessIdentity): boolean {
  return identifyProcess(process.pid)?.startTicks === process.startTicks;
}

/**
 * Ends it now, with its process group when it leads one. Nothing happens when it is gone already.
 */
export function killNow(target: ProcessIdentity): void {
  if (!isAlive(target)) return;
  for (const pid of [-target.pid, target.pid]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It leads no group, or ended a moment ago.
    }
  }
}

/** Answers whether all of them ended within `withinMs`. */
export async function untilEnded(
  processes: readonly ProcessIdentity[],
  withinMs: number,
): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs;
  while (processes.some(isAlive)) {
    if (performance.now() > deadlineMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
