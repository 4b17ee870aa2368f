/** What can be known of a container's end from its records and the process table. */
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerId, ContainerTermination } from "../containerizer.ts";
import { errnoOf } from "./file-error.ts";
import { bootId, readProcess } from "./process-table.ts";
import type { ProcessIdentity, Records, StartedRecord } from "./records.ts";
import { REFUSED_STATUS, waitStatusOf } from "./script.ts";

const UNTOLD = "The agent ended before it had said what to run";

/** The end that the supervisor wrote; undefined: it has not, or not wholly. */
export function recordedEnd(records: Records, id: ContainerId): ContainerTermination | undefined {
  const end = records.ended(id);
  if (end === undefined) return undefined;
  const waitStatus = waitStatusOf(end);
  if (end.kind === "SIGNALED") {
    return { kind: "SIGNALED", signal: signalName(end.signal), waitStatus };
  }
  const refusal = end.code === REFUSED_STATUS ? records.refusal(id) : undefined;
  if (refusal !== undefined) return { kind: "NOT_STARTED", message: refusal };
  // A shell that comes to the end of what it is told ends well, also when that was nothing.
  if (!records.isReady(id)) return { kind: "NOT_STARTED", message: UNTOLD };
  return { kind: "EXITED", code: end.code, waitStatus };
}

/**
 * The end of a container whose supervisor is gone without writing one. `started`: what it wrote
 * before.
 */
export function unrecordedEnd(
  records: Records,
  fields: {
    readonly id: ContainerId;
    readonly started: StartedRecord | undefined;
    readonly why: string;
  },
): ContainerTermination {
  const { id, started, why } = fields;
  // The record of the start is written before the command is forked.
  if (started !== undefined || records.started(id) === "ABSENT") return lost(why);
  return { kind: "NOT_STARTED", message: `${why}, before it started the command` };
}

export function lost(message: string): ContainerTermination {
  return { kind: "LOST", message };
}

/** Whether the very process still runs. Throws when the agent cannot look. */
export function isAlive(identity: ProcessIdentity): boolean {
  const process = readProcess(identity.pid);
  const same = process?.startTicks === identity.startTicks && identity.bootId === bootId();
  return same && process.state !== "Z" && process.state !== "X";
}

/** Why no supervisor answers for a container that an earlier agent process started. */
export function whyGone(started: StartedRecord | "RESERVED" | "ABSENT", directory: string): string {
  if (started === "ABSENT") return `There is no record of it in ${directory}`;
  if (started === "RESERVED") return "The agent ended";
  if (started.supervisor.bootId !== bootId()) return "The machine was restarted while it ran";
  return "Its supervisor was killed while no agent ran";
}

// Reversed, so that of two names for one number (SIGABRT, SIGIOT) the first stays.
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

function signalName(number: number): string {
  // Real-time signals have no name in Node.
  return SIGNAL_NAMES.get(number) ?? `SIG${number}`;
}

const EXHAUSTED = ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"];
const EXHAUSTED_PAUSE_MS = 100;

/**
 * Looks again while the agent or the machine is out of descriptors or memory, without a bound: an
 * end that cannot be seen must not be told as lost, and nothing else waits for it. Other failures
 * pass.
 */
export async function patiently<T>(look: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await look();
    } catch (cause) {
      if (!EXHAUSTED.includes(errnoOf(cause))) throw cause;
      await sleep(EXHAUSTED_PAUSE_MS);
    }
  }
}
