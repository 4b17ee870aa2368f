/**
 * Time that nobody can set: milliseconds since 1970 as the wall clock had them once, which then
 * follow the machine's monotonic clock. A grace that was given before somebody corrected the time
 * ends when it would have ended.
 *
 * 1. It never runs backwards. 2. All agents that run on a work directory between two boots of the
 * machine have the same: due times on disk are told by it. (What runs ends with the machine.) 3. It
 * stands while the machine is suspended, as its tasks do.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bootId } from "../containerizer/supervisor/process-table.ts";
import { writeWholeFile } from "./whole-file.ts";

const NANOSECONDS_PER_MS = 1_000_000;

export class SteadyClock {
  readonly #offsetMs: number;

  /** `metaDirectory`: where the agents before kept what theirs began with. */
  constructor(metaDirectory: string) {
    const path = join(metaDirectory, "clock");
    const boot = bootId();
    const known = readOffset(path, boot);
    this.#offsetMs = known ?? Date.now() - monotonicMs();
    if (known === undefined) writeOffset(path, `${boot} ${this.#offsetMs}\n`);
  }

  nowMs(): number {
    return this.#offsetMs + monotonicMs();
  }
}

/** Since the machine's start, time in which it was suspended excepted (CLOCK_MONOTONIC). */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / NANOSECONDS_PER_MS;
}

function readOffset(path: string, boot: string): number | undefined {
  try {
    const [ofBoot, offset = ""] = readFileSync(path, "utf8").split(/\s/);
    return ofBoot === boot && /^-?\d+(\.\d+)?$/.test(offset) ? Number(offset) : undefined;
  } catch {
    return undefined;
  }
}

/** Without it the next agent begins with the wall clock of its start, as this one did. */
function writeOffset(path: string, text: string): void {
  try {
    writeWholeFile(path, text);
  } catch {
    // The disk is full or broken, of which the checkpoint tells.
  }
}
