/** The files in a sandbox that a command's output goes to. */
import {
  chownSync,
  closeSync,
  constants,
  fchownSync,
  lstatSync,
  openSync,
  renameSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { LaunchError } from "../containerizer.ts";
import { errnoOf } from "./file-error.ts";
import type { Account } from "./users.ts";

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;

/** In the place of a system's name, which it has none for. */
export const NOT_ABSOLUTE = "not an absolute path";

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
    if (!isAbsolute(path)) return err({ code: "SANDBOX_UNUSABLE", path, errno: NOT_ABSOLUTE });
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
 * Puts two empty files that are open already where `openOutput` would make them. False: there is
 * something at one of the names, or it is another file system.
 */
export function placeOutput(
  sandboxDirectory: string,
  files: { readonly stdout: string; readonly stderr: string },
  account: Account | undefined,
): boolean {
  try {
    if (account !== undefined) chownSync(sandboxDirectory, account.userId, account.groupId);
    for (const name of ["stdout", "stderr"] as const) {
      const path = join(sandboxDirectory, name);
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
      if (account !== undefined) chownSync(files[name], account.userId, account.groupId);
      // It follows no link, should there be one by now.
      renameSync(files[name], path);
    }
    return true;
  } catch {
    // Whoever opens them by their names says why.
    return false;
  }
}
