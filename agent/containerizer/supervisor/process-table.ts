/**
 * The machine's processes as /proc shows them, read in slices so that a host with thousands of them
 * does not hold the agent up. It knows nothing of containers but the name of their mark.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errnoOf } from "./file-error.ts";

/** The variable in a process' environment that says which container it belongs to. */
export const CONTAINER_MARK = "RIMROCK_CONTAINER_ID";

/**
 * One line of /proc/<pid>/stat. Ticks are hundredths of a second on every Linux that Node runs on.
 */
export interface ProcessStat {
  readonly pid: number;
  /** "Z": it is dead and waits for its parent to take note. */
  readonly state: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  /** Own time, and that of children it has waited for. */
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threads: number;
  readonly startTicks: number;
  readonly residentPages: number;
}

export const TICKS_PER_SECOND = 100;
const PROCESSES_PER_SLICE = 200;

/** `7825 (a) b) R 1 7825 ...`: the name is anything in brackets, so the last one ends it. */
export function parseStat(line: string): ProcessStat | undefined {
  const close = line.lastIndexOf(")");
  const pid = Number.parseInt(line, 10);
  if (close < 0 || Number.isNaN(pid)) return undefined;
  // proc(5) counts from 1 and `state` is field 3, so field n stands at n - 3 here.
  const fields = line.slice(close + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  const startTicks = field(22);
  if (!Number.isInteger(startTicks)) return undefined;
  return {
    pid,
    state: fields[0] ?? "",
    parentPid: field(4),
    groupId: field(5),
    sessionId: field(6),
    userTicks: field(14) + field(16),
    systemTicks: field(15) + field(17),
    threads: field(20),
    startTicks,
    residentPages: field(24),
  };
}

/**
 * Undefined: there is no such process (any more). Throws when the agent cannot look, as when it is
 * out of file descriptors: a process that cannot be seen is not a process that has ended.
 */
export function readProcess(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (cause) {
    if (isGone(cause)) return undefined;
    throw cause;
  }
}

/** What reading a file of /proc says when the process has ended before or during the read. */
function isGone(cause: unknown): boolean {
  return ["ENOENT", "ESRCH"].includes(errnoOf(cause));
}

/**
 * The container that a process is marked with; undefined also when its environment is not ours to
 * read.
 */
export function readMark(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/environ`, "latin1");
    const at = text.startsWith(`${CONTAINER_MARK}=`) ? 0 : text.indexOf(`\0${CONTAINER_MARK}=`) + 1;
    if (at === 0 && !text.startsWith(CONTAINER_MARK)) return undefined;
    const from = at + CONTAINER_MARK.length + 1;
    const to = text.indexOf("\0", from);
    return text.slice(from, to < 0 ? undefined : to);
  } catch {
    return undefined;
  }
}

let cachedBootId: string | undefined;
/** Changes with every start of the machine. */
export function bootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return cachedBootId;
}

/** Snapshots of all processes; callers that ask in the same turn share one. */
export class ProcessTable {
  #pending: Promise<readonly ProcessStat[]> | undefined;

  /** Read after the call, never before it. */
  snapshot(): Promise<readonly ProcessStat[]> {
    this.#pending ??= this.#read();
    return this.#pending;
  }

  async #read(): Promise<readonly ProcessStat[]> {
    await nextTurn();
    // From here on a new caller could miss a process that we are already past: it gets its own
    // read.
    this.#pending = undefined;
    const processes: ProcessStat[] = [];
    let read = 0;
    for (const name of readdirSync("/proc")) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const process = readProcess(Number(name));
      if (process !== undefined) processes.push(process);
      if (++read % PROCESSES_PER_SLICE === 0) await nextTurn();
    }
    return processes;
  }
}
