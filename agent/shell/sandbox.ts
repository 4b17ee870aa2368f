/** Sandboxes: one folder per run, `runs/latest` beside it, in Mesos' layout. */
import { chownSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { accountToBecome } from "../containerizer/supervisor/users.ts";
import { errnoOf } from "./errno.ts";

/** Each is a valid folder name. */
export interface SandboxPlace {
  readonly agentId: string;
  readonly frameworkId: string;
  readonly executorId: string;
  readonly containerId: string;
}

export function sandboxPath(workDirectory: string, place: SandboxPlace): string {
  return join(runsPath(workDirectory, place), place.containerId);
}

/**
 * Makes the sandbox, owned by `user` (undefined: the agent's own), and points `latest` at it. The
 * error is a sentence. A user that the containerizer will refuse changes no owner here.
 */
export function makeSandbox(
  workDirectory: string,
  place: SandboxPlace,
  user: string | undefined,
): Result<string, string> {
  const runs = runsPath(workDirectory, place);
  const path = join(runs, place.containerId);
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    const account = accountToBecome(user);
    if (account.ok && account.value !== undefined) {
      chownSync(path, account.value.userId, account.value.groupId);
    }
    // A rename replaces the link at once: there is no moment without a `latest`.
    const fresh = join(runs, `.latest-${place.containerId}`);
    symlinkSync(place.containerId, fresh);
    renameSync(fresh, join(runs, "latest"));
    return ok(path);
  } catch (cause) {
    return err(`cannot make the sandbox ${path}: ${errnoOf(cause)}`);
  }
}

function runsPath(workDirectory: string, place: SandboxPlace): string {
  const { agentId, frameworkId, executorId } = place;
  const executors = ["slaves", agentId, "frameworks", frameworkId, "executors", executorId];
  return join(workDirectory, ...executors, "runs");
}
