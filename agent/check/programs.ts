/** Programs of the machine that the agent starts, and what each is for. */
import { spawn } from "node:child_process";

interface HelperProgram {
  readonly name: string;
  /** What is not there without it. */
  readonly use: string;
  readonly package: string;
  readonly isNeeded: boolean;
}

export const helperPrograms: readonly HelperProgram[] = [
  { name: "sh", use: "every task", package: "dash", isNeeded: true },
  { name: "setsid", use: "every task", package: "util-linux", isNeeded: true },
  { name: "env", use: "every task", package: "coreutils", isNeeded: true },
  { name: "setpriv", use: "tasks of other users", package: "util-linux", isNeeded: false },
  { name: "unshare", use: "namespaces", package: "util-linux", isNeeded: false },
  { name: "nsenter", use: "commands inside a container", package: "util-linux", isNeeded: false },
  { name: "prlimit", use: "rlimits", package: "util-linux", isNeeded: false },
  { name: "script", use: "terminals", package: "bsdutils", isNeeded: false },
  { name: "stty", use: "the size of terminals", package: "coreutils", isNeeded: false },
  { name: "mkfifo", use: "input of containers", package: "coreutils", isNeeded: false },
  { name: "tar", use: "fetched archives", package: "tar", isNeeded: false },
];

export interface Ran {
  readonly code: number | undefined;
  readonly output: string;
}

/** `code` is undefined when it could not be started, or did not end in time. */
export function runProgram(file: string, argv: readonly string[], timeoutMs = 5_000): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString("utf8").slice(0, 10_000);
      });
    }
    child.once("error", (cause) => resolve({ code: undefined, output: cause.message }));
    child.once("close", (code) => resolve({ code: code ?? undefined, output: output.trim() }));
  });
}
