/**
 * A child process that is started again whenever it dies, until it is stopped or its exit code
 * says that there is no use in it.
 *
 * The child leads a session of its own, so that a Ctrl-C reaches the supervisor alone and the end
 * has an order. It learns of the supervisor's own death through a pipe (its stdin, or an IPC
 * channel).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { identifyProcess, killNow, type ProcessIdentity } from "./process-identity.ts";
import { createRestartPolicy } from "./restart.ts";

export interface ProcessOptions {
  /** As the log calls it, such as "agent-1". */
  readonly name: string;
  /** Arguments of this same Node, the script first. */
  readonly argv: readonly string[];
  /** How the child notices the supervisor's death. */
  readonly lifeline: "STDIN" | "IPC";
  readonly logFile: string;
  /** One line for the user. */
  readonly report: (line: string) => void;
  /** After every start. */
  readonly onStart: (child: ChildProcess) => void;
}

export interface SupervisedProcess {
  readonly name: string;
  /** Undefined while it is being started again. */
  identity(): ProcessIdentity | undefined;
  /** Ends it by its lifeline, and with SIGKILL after `graceMs`; true when that was not needed. */
  stop(graceMs: number): Promise<boolean>;
}

export function superviseProcess(options: ProcessOptions): SupervisedProcess {
  const policy = createRestartPolicy();
  let current: ChildProcess;
  let identity: ProcessIdentity | undefined;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    const startedMs = performance.now();
    current = spawnChild(options);
    identity = current.pid === undefined ? undefined : identifyProcess(current.pid);
    current.once("exit", (code, signal) => {
      identity = undefined;
      if (stopping) return;
      const { name, logFile } = options;
      const livedMs = performance.now() - startedMs;
      const { delayMs, line } = policy({ name, livedMs, code, signal, logFile });
      if (line !== undefined) options.report(line);
      if (delayMs !== undefined) timer = setTimeout(start, delayMs);
    });
    options.onStart(current);
  };
  start();

  return {
    name: options.name,
    identity: () => identity,
    stop: async (graceMs) => {
      stopping = true;
      clearTimeout(timer);
      return identity === undefined || (await endChild(current, identity, graceMs));
    },
  };
}

function spawnChild({ argv, lifeline, logFile }: ProcessOptions): ChildProcess {
  const log = openSync(logFile, "a");
  try {
    const child = spawn(process.execPath, argv, {
      detached: true,
      stdio: lifeline === "STDIN" ? ["pipe", log, log] : ["ignore", log, log, "ipc"],
    });
    // What cannot be started or written to has an exit event of its own.
    child.on("error", () => {});
    child.stdin?.on("error", () => {});
    return child;
  } finally {
    closeSync(log);
  }
}

async function endChild(
  child: ChildProcess,
  identity: ProcessIdentity,
  graceMs: number,
): Promise<boolean> {
  const ended = new Promise<boolean>((resolve) => child.once("exit", () => resolve(true)));
  child.stdin?.end();
  if (child.connected) child.disconnect();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), graceMs);
  });
  const byItself = await Promise.race([ended, late]);
  clearTimeout(timer);
  if (!byItself) {
    killNow(identity);
    await ended;
  }
  return byItself;
}
