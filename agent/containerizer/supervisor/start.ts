/**
 * Starts one supervisor: opens the sandbox's files, spawns the shell with them, and lets go of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, constants, fchownSync, openSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { LaunchError } from "../containerizer.ts";
import type { SupervisorProcess } from "./command-line.ts";
import { errnoOf } from "./file-error.ts";
import type { Account } from "./users.ts";

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

export interface StartedSupervisor {
  readonly child: ChildProcess;
  readonly pid: number;
}

export interface SandboxOutput {
  readonly stdout: number;
  readonly stderr: number;
}

/**
 * Opens `stdout` and `stderr` for appending, and hands the sandbox to the user that the command
 * runs as.
 */
export function openOutput(
  sandboxDirectory: string,
  account: Account | undefined,
): Result<SandboxOutput, LaunchError> {
  const opened: number[] = [];
  let path = sandboxDirectory;
  try {
    if (!isAbsolute(path))
      return err({ code: "SANDBOX_UNUSABLE", path, errno: "not an absolute path" });
    if (account !== undefined) chownSync(path, account.userId, account.groupId);
    for (const name of ["stdout", "stderr"]) {
      path = join(sandboxDirectory, name);
      // Not through a link: an agent that runs as root would write wherever it points.
      const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o644);
      opened.push(file);
      if (account !== undefined) fchownSync(file, account.userId, account.groupId);
    }
    const [stdout = -1, stderr = -1] = opened;
    return ok({ stdout, stderr });
  } catch (cause) {
    for (const file of opened) closeSync(file);
    return err({ code: "SANDBOX_UNUSABLE", path, errno: errnoOf(cause) });
  }
}

/**
 * The supervisor in a session of its own, in the sandbox, with no descriptor of the agent's but
 * those named here.
 */
export async function startSupervisor(start: {
  readonly process: SupervisorProcess;
  readonly sandboxDirectory: string;
  readonly output: SandboxOutput;
  /** Undefined: none. */
  readonly stdin: number | undefined;
  /** Become its descriptors 5, 6 and so on. */
  readonly descriptors?: readonly number[];
}): Promise<Result<StartedSupervisor, LaunchError>> {
  const { file, argv, environment } = start.process;
  let child: ChildProcess;
  try {
    child = spawn(file, argv, {
      cwd: start.sandboxDirectory,
      detached: true,
      env: { ...environment },
      stdio: [
        start.stdin ?? "ignore",
        start.output.stdout,
        start.output.stderr,
        // 3 and 4 are the supervisor's own.
        "ignore",
        "ignore",
        ...(start.descriptors ?? []),
      ],
    });
  } catch (cause) {
    return err({ code: "SPAWN_FAILED", path: file, errno: errnoOf(cause) });
  }
  const spawned = child;
  if (spawned.pid === undefined) {
    const cause = await new Promise((resolve) => spawned.once("error", resolve));
    return err({ code: "SPAWN_FAILED", path: file, errno: errnoOf(cause) });
  }
  // A container never keeps the agent from ending.
  spawned.unref();
  return ok({ child: spawned, pid: spawned.pid });
}
