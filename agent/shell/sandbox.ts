/**
 * Sandboxes in Mesos' layout, with `latest` beside them and volumes in them:
 *
 *   <work directory>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>
 */
import { chownSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { accountToBecome } from "../containerizer/supervisor/users.ts";
import type { MountedVolume } from "../core/volumes.ts";
import { errnoOf } from "./errno.ts";
import { linkVolumes } from "./volumes.ts";

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

export interface SandboxContent {
  /** Owner; undefined: the agent's own. */
  readonly user: string | undefined;
  readonly volumes: readonly MountedVolume[];
}

/**
 * Makes the sandbox and points `latest` at it. It is its user's own once everything of the agent's
 * is in it. The error is a sentence. A user that the containerizer will refuse changes no owner
 * here.
 */
export function makeSandbox(
  workDirectory: string,
  place: SandboxPlace,
  { user, volumes }: SandboxContent,
): Result<string, string> {
  const runs = runsPath(workDirectory, place);
  const path = join(runs, place.containerId);
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    const found = accountToBecome(user);
    const account = found.ok ? found.value : undefined;
    const linked = linkVolumes(workDirectory, path, { volumes, account });
    if (!linked.ok) return linked;
    if (account !== undefined) chownSync(path, account.userId, account.groupId);
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
