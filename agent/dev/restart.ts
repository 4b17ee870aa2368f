/**
 * When to start again what died, and the line that says so: at once at first, later each time while
 * it keeps dying young, and in the end rarely and silently. What the master removed stays away.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { REMOVED_BY_MASTER } from "../shell/exit-codes.ts";

/** All within a second, with the time a start takes. */
const LAST_DELAY_MS = 500;
const DELAYS_MS = [0, 100, 200, 400, LAST_DELAY_MS];
const HOPELESS_DELAY_MS = 5_000;
const LIVED_LONG_MS = 10_000;
const LOG_TAIL_BYTES = 2_048;

export interface Death {
  readonly name: string;
  /** From its last start. */
  readonly livedMs: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly logFile: string;
}

export interface Restart {
  /** Undefined: it is not started again. */
  readonly delayMs: number | undefined;
  /** For the user; undefined when there is nothing new to say. */
  readonly line: string | undefined;
}

/** Of one process: what to do about its next death. */
export function createRestartPolicy(): (death: Death) => Restart {
  let youngDeaths = 0;
  return (death) => {
    if (death.code === REMOVED_BY_MASTER) {
      return { delayMs: undefined, line: `${how(death)}: it is not started again` };
    }
    youngDeaths = death.livedMs < LIVED_LONG_MS ? youngDeaths + 1 : 1;
    // SIGKILL is somebody's doing, not the process' own: no reason to give it up.
    const delayMs =
      DELAYS_MS[youngDeaths - 1] ?? (death.signal === "SIGKILL" ? LAST_DELAY_MS : undefined);
    if (delayMs !== undefined) return { delayMs, line: `${how(death)}: starting it again` };
    const firstTime = youngDeaths === DELAYS_MS.length + 1;
    const line = `${how(death)} again: trying every ${HOPELESS_DELAY_MS / 1_000} s`;
    return { delayMs: HOPELESS_DELAY_MS, line: firstTime ? line : undefined };
  };
}

function how({ name, code, signal, logFile }: Death): string {
  if (signal !== null) return `${name} ended (${signal})`;
  return `${name} ended (exit code ${code}: ${lastLine(logFile)} | all of it in ${logFile})`;
}

function lastLine(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const tail = Buffer.alloc(LOG_TAIL_BYTES);
      const start = Math.max(0, fstatSync(file).size - LOG_TAIL_BYTES);
      const read = readSync(file, tail, 0, LOG_TAIL_BYTES, start);
      return tail.toString("utf8", 0, read).trimEnd().split("\n").at(-1) ?? "";
    } finally {
      closeSync(file);
    }
  } catch {
    // The log is only quoted; the exit code stands.
    return "no log";
  }
}
